//! Reads the sources and lays them over each other.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use omnifold_projector::Options;

use super::keys::{HIDDEN, KEYS, PROPERTIES, is_secret, property};
use super::paths::Places;
use super::{
    CheckpointConfig, Config, ConfigFaults, Fault, HttpConfig, KafkaConfig, LogConfig, LogKind,
    PricesConfig, SliceConfig, TraceConfig, TraceFormat,
};

const PREFIX: &str = "OMNIFOLD_";

/// Read where no other file is named.
const DEFAULT_FILE: &str = "omnifold.toml";

/// Variables with our prefix that belong to the tools beside the binary.
const NOT_KEYS: [&str; 2] = ["kafka_home", "require_kafka"];

/// What the flags say.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--kafka`: brokers; switches the log.
    pub kafka: Option<String>,
    /// `--prefix`.
    pub prefix: Option<String>,
    /// `--market`, any number of them.
    pub markets: Vec<String>,
}

/// Where a configuration is read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`; without it `./omnifold.toml` where there is one.
    pub file: Option<PathBuf>,
    /// The flags.
    pub flags: Flags,
}

/// A configuration, and where each key that was set came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Key to origin; a key that is not here has its default.
    pub origins: BTreeMap<String, String>,
}

/// Reads the configuration.
///
/// # Errors
/// All that is wrong with it.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigFaults> {
    let mut faults = Vec::new();
    let figment = layered(sources, &mut faults);
    let places = Places::of_process();
    let mut loaded = Loaded { config: defaults(&places), origins: BTreeMap::new() };
    let values = match figment.data() {
        Ok(mut profiles) => profiles.remove(&Profile::Default).unwrap_or_default(),
        Err(error) => {
            let file = sources.file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
            faults.extend(error.into_iter().map(|one| unreadable(file, &one)));
            Dict::new()
        }
    };
    for (key, value) in leaves(values) {
        if let Err(fault) = take(&mut loaded, &figment, &key, &value) {
            faults.push(fault);
        }
    }
    faults.extend(together(&loaded));
    if faults.is_empty() { Ok(loaded) } else { Err(ConfigFaults(faults)) }
}

fn layered(sources: &Sources, faults: &mut Vec<Fault>) -> Figment {
    let mut figment = Figment::new();
    if let Some(file) = &sources.file {
        if !file.is_file() {
            faults.push(no_file(file));
        }
        figment = figment.merge(Toml::file_exact(file));
    } else if Path::new(DEFAULT_FILE).is_file() {
        figment = figment.merge(Toml::file_exact(DEFAULT_FILE));
    }
    let ours = |key: &str| {
        let key = key.to_ascii_lowercase();
        !key.starts_with("test_") && !NOT_KEYS.contains(&key.as_str())
    };
    let environment = Env::prefixed(PREFIX).filter(move |key| ours(key.as_str())).split("__");
    figment = figment.merge(environment);
    for flag in flags(&sources.flags) {
        figment = figment.merge(flag);
    }
    figment
}

/// One flag and the keys it sets.
struct Flag {
    name: &'static str,
    values: Dict,
}

impl Provider for Flag {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("flag {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

fn flags(flags: &Flags) -> Vec<Flag> {
    let nested =
        |key: &str, value: Value| figment::util::nest(key, value).into_dict().expect("a map");
    let mut list = Vec::new();
    if let Some(data) = &flags.data {
        let values = nested("data", data.display().to_string().into());
        list.push(Flag { name: "--data", values });
    }
    if let Some(prefix) = &flags.prefix {
        list.push(Flag { name: "--prefix", values: nested("prefix", prefix.clone().into()) });
    }
    if let Some(brokers) = &flags.kafka {
        let values = nested("log.kind", "kafka".into());
        list.push(Flag { name: "--kafka", values });
        let values = nested("log.kafka.brokers", brokers.clone().into());
        list.push(Flag { name: "--kafka", values });
    }
    if !flags.markets.is_empty() {
        let values = nested("markets", flags.markets.clone().into());
        list.push(Flag { name: "--market", values });
    }
    list
}

/// Every value with its full key. A table named as a key stays a table, so that it is refused.
fn leaves(values: Dict) -> Vec<(String, Value)> {
    fn walk(key: &str, value: Value, found: &mut Vec<(String, Value)>) {
        match value {
            Value::Dict(_, inner) if !KEYS.iter().any(|known| known.name == key) => {
                for (name, value) in inner {
                    walk(&format!("{key}.{name}"), value, found);
                }
            }
            other => found.push((key.to_owned(), other)),
        }
    }
    let mut found = Vec::new();
    for (name, value) in values {
        walk(&name, value, &mut found);
    }
    found
}

fn take(loaded: &mut Loaded, figment: &Figment, key: &str, value: &Value) -> Result<(), Fault> {
    let origin = origin(figment, key, value);
    let fault = |wrong: String, allowed: &str| Fault {
        key: key.to_owned(),
        value: if is_secret(key) { HIDDEN.to_owned() } else { shown(value) },
        origin: origin.clone(),
        wrong,
        allowed: allowed.to_owned(),
    };
    if let Some(name) = key.strip_prefix(PROPERTIES) {
        let allowed = "text, a number or a boolean, as librdkafka's CONFIGURATION.md says";
        let value = property(value).map_err(|wrong| fault(wrong, allowed))?;
        loaded.config.log.kafka.properties.insert(name.to_owned(), value);
    } else if let Some(known) = KEYS.iter().find(|known| known.name == key) {
        (known.set)(&mut loaded.config, value).map_err(|wrong| fault(wrong, known.allowed))?;
    } else {
        return Err(fault("there is no such key".to_owned(), &nearest(key)));
    }
    loaded.origins.insert(key.to_owned(), origin);
    Ok(())
}

fn origin(figment: &Figment, key: &str, value: &Value) -> String {
    let Some(metadata) = figment.get_metadata(value.tag()) else { return "unknown".to_owned() };
    if let Some(path) = metadata.source.as_ref().and_then(|source| source.file_path()) {
        return format!("file {}", path.display());
    }
    if metadata.name.starts_with("flag") {
        return metadata.name.to_string();
    }
    format!("variable {PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Dict(..) => "a table".to_owned(),
        Value::Array(_, items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Bool(_, flag) => flag.to_string(),
        other => property(other).unwrap_or_else(|_| "a value".to_owned()),
    }
}

/// The keys that look most like the one that does not exist.
fn nearest(key: &str) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let close = |name: &str| distance(name, key) <= 2 || last(name) == last(key);
    let likely: Vec<String> =
        KEYS.iter().filter(|known| close(known.name)).map(|k| format!("`{}`", k.name)).collect();
    match likely.is_empty() {
        false => format!("perhaps {}", likely.join(" or ")),
        true => {
            let all: Vec<&str> = KEYS.iter().map(|known| known.name).collect();
            format!("{}, {PROPERTIES}*", all.join(", "))
        }
    }
}

/// Letters to change, add or remove to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], line + 1);
        for (place, theirs) in other.iter().enumerate() {
            let changed = corner + usize::from(letter != *theirs);
            corner = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(corner + 1);
        }
    }
    row[other.len()]
}

fn no_file(file: &Path) -> Fault {
    Fault {
        key: "--config".to_owned(),
        value: format!("{:?}", file.display().to_string()),
        origin: "flag --config".to_owned(),
        wrong: "there is no such file".to_owned(),
        allowed: "a TOML file; deploy/omnifold.toml is one with every key explained".to_owned(),
    }
}

/// The parser says where in the file, over several lines; one is enough here.
fn unreadable(file: &Path, error: &figment::Error) -> Fault {
    let words = error.kind.to_string();
    let words: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Fault {
        key: "--config".to_owned(),
        value: format!("{:?}", file.display().to_string()),
        origin: "the file".to_owned(),
        wrong: words.join(" / "),
        allowed: "TOML".to_owned(),
    }
}

/// Faults of keys that do not fit each other.
fn together(loaded: &Loaded) -> Vec<Fault> {
    let Config { data, keys, .. } = &loaded.config;
    let mut faults = Vec::new();
    if keys.starts_with(data) {
        faults.push(Fault {
            key: "keys".to_owned(),
            value: format!("{:?}", keys.display().to_string()),
            origin: loaded.origins.get("keys").cloned().unwrap_or_else(|| "default".to_owned()),
            wrong: "is inside `data`: a copy of the data would carry the keys along".to_owned(),
            allowed: "a folder outside of `data`".to_owned(),
        });
    }
    faults
}

fn defaults(places: &Places) -> Config {
    let engine = Options::default();
    let (slice, checkpoint) = (engine.slice, engine.checkpoint);
    Config {
        prefix: "omnifold".to_owned(),
        markets: Vec::new(),
        data: places.data(),
        keys: places.keys(),
        log: LogConfig {
            kind: LogKind::Embedded,
            kafka: KafkaConfig {
                brokers: "127.0.0.1:9092".to_owned(),
                group: "omnifold".to_owned(),
                instance_id: None,
                transaction_timeout_ms: 10_000,
                properties: BTreeMap::new(),
            },
        },
        slice: SliceConfig {
            records: slice.records,
            bytes: slice.bytes,
            wait_ms: slice.wait.as_millis() as u64,
        },
        checkpoint: CheckpointConfig {
            bytes: checkpoint.bytes,
            interval_ms: checkpoint.interval.as_millis() as u64,
        },
        cache_bytes: engine.cache_bytes,
        http: HttpConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7171)) },
        prices: PricesConfig { every_minutes: 0, drift_percent: 10, horizon_days: 7 },
        trace: TraceConfig { format: TraceFormat::Text, level: None },
        shutdown_seconds: 30,
    }
}
