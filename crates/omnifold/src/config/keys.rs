//! Every key: one row with its name, what it means, what is allowed, and how it is read.

use figment::value::Value;

use super::{Config, LogKind, TraceFormat};

/// One key of the configuration.
pub struct Key {
    /// Its path, `slice.wait_ms`.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
    /// Reads a value into the configuration, or says what is wrong with it.
    pub set: fn(&mut Config, &Value) -> Result<(), String>,
    /// The value as `config print` shows it.
    pub get: fn(&Config) -> String,
}

/// Every key, in the order of deploy/omnifold.toml. Below `log.kafka.properties.` any name may
/// stand: librdkafka knows which there are.
pub const KEYS: &[Key] = &[
    Key {
        name: "prefix",
        about: "first part of every topic's name: {prefix}.{market}.{topic}",
        allowed: "1 to 60 letters, digits, `-` or `_`",
        set: |config, value| name(value, 60).map(|it| config.prefix = it),
        get: |config| quoted(&config.prefix),
    },
    Key {
        name: "markets",
        about: "markets to work on; empty: every market in the log",
        allowed: "a list of names of 1 to 60 letters, digits, `-` or `_`; commas in the environment",
        set: |config, value| markets(value).map(|it| config.markets = it),
        get: |config| format!("{:?}", config.markets),
    },
    Key {
        name: "data",
        about: "folder of the embedded log and of the markets' state",
        allowed: "a path",
        set: |config, value| filled(value).map(|it| config.data = it.into()),
        get: |config| quoted(&config.data.display().to_string()),
    },
    Key {
        name: "keys",
        about: "folder of the keys that seal personal data; never inside `data`",
        allowed: "a path",
        set: |config, value| filled(value).map(|it| config.keys = it.into()),
        get: |config| quoted(&config.keys.display().to_string()),
    },
    Key {
        name: "log.kind",
        about: "where the topics are",
        allowed: "`embedded` or `kafka`",
        set: |config, value| {
            let kinds = [("embedded", LogKind::Embedded), ("kafka", LogKind::Kafka)];
            one_of(value, &kinds).map(|it| config.log.kind = it)
        },
        get: |config| quoted(if config.log.kind == LogKind::Kafka { "kafka" } else { "embedded" }),
    },
    Key {
        name: "log.kafka.brokers",
        about: "brokers to start from",
        allowed: "host:port, several with commas",
        set: |config, value| brokers(value).map(|it| config.log.kafka.brokers = it),
        get: |config| quoted(&config.log.kafka.brokers),
    },
    Key {
        name: "log.kafka.group",
        about: "consumer group of the instances that share the markets",
        allowed: "1 to 200 letters, digits, `-`, `_` or `.`",
        set: |config, value| group(value).map(|it| config.log.kafka.group = it),
        get: |config| quoted(&config.log.kafka.group),
    },
    Key {
        name: "log.kafka.instance_id",
        about: "name of this instance in the group, for quick restarts; empty: none",
        allowed: "up to 200 letters, digits, `-`, `_` or `.`, another for each instance",
        set: |config, value| {
            if text(value)?.is_empty() {
                config.log.kafka.instance_id = None;
                return Ok(());
            }
            group(value).map(|it| config.log.kafka.instance_id = Some(it))
        },
        get: |config| quoted(config.log.kafka.instance_id.as_deref().unwrap_or_default()),
    },
    Key {
        name: "log.kafka.transaction_timeout_ms",
        about: "how long the broker lets a transaction stand, milliseconds",
        allowed: "1000 to 15000: a longer one stalls every reader when an instance dies",
        set: |config, value| {
            let set = number(value, 1_000, 15_000)?;
            config.log.kafka.transaction_timeout_ms = set as u32;
            Ok(())
        },
        get: |config| config.log.kafka.transaction_timeout_ms.to_string(),
    },
    Key {
        name: "slice.records",
        about: "most records of one slice of input",
        allowed: "1 to 1000000",
        set: |config, value| {
            number(value, 1, 1_000_000).map(|it| config.slice.records = it as usize)
        },
        get: |config| config.slice.records.to_string(),
    },
    Key {
        name: "slice.bytes",
        about: "most bytes of one slice of input",
        allowed: "65536 (64 KiB) to 1073741824 (1 GiB)",
        set: |config, value| {
            number(value, 64 << 10, 1 << 30).map(|it| config.slice.bytes = it as usize)
        },
        get: |config| config.slice.bytes.to_string(),
    },
    Key {
        name: "slice.wait_ms",
        about: "how long an idle market waits for more input before it looks again, milliseconds",
        allowed: "0 to 60000",
        set: |config, value| number(value, 0, 60_000).map(|it| config.slice.wait_ms = it),
        get: |config| config.slice.wait_ms.to_string(),
    },
    Key {
        name: "checkpoint.bytes",
        about: "changed rows that bring a checkpoint, bytes",
        allowed: "1048576 (1 MiB) to 17179869184 (16 GiB)",
        set: |config, value| {
            number(value, 1 << 20, 16 << 30).map(|it| config.checkpoint.bytes = it as usize)
        },
        get: |config| config.checkpoint.bytes.to_string(),
    },
    Key {
        name: "checkpoint.interval_ms",
        about: "time that brings a checkpoint, milliseconds",
        allowed: "100 to 3600000",
        set: |config, value| {
            number(value, 100, 3_600_000).map(|it| config.checkpoint.interval_ms = it)
        },
        get: |config| config.checkpoint.interval_ms.to_string(),
    },
    Key {
        name: "cache_bytes",
        about: "memory for the rows of one market, bytes",
        allowed: "8388608 (8 MiB) to 1099511627776 (1 TiB)",
        set: |config, value| {
            number(value, 8 << 20, 1 << 40).map(|it| config.cache_bytes = it as usize)
        },
        get: |config| config.cache_bytes.to_string(),
    },
    Key {
        name: "http.listen",
        about: "where `serve` answers HTTP; there is no authentication, keep it local",
        allowed: "IP address and port, `127.0.0.1:7171`; port 0 takes a free one",
        set: |config, value| {
            let parsed = text(value)?.parse();
            config.http.listen = parsed.map_err(|_| "is no address with a port".to_owned())?;
            Ok(())
        },
        get: |config| quoted(&config.http.listen.to_string()),
    },
    Key {
        name: "prices.every_minutes",
        about: "`serve` solves shadow prices again after so many minutes by the market's clock; 0: never",
        allowed: "0 to 525600 (a year)",
        set: |config, value| number(value, 0, 525_600).map(|it| config.prices.every_minutes = it),
        get: |config| config.prices.every_minutes.to_string(),
    },
    Key {
        name: "prices.drift_percent",
        about: "and sooner when this share of what was scarce has gone or come",
        allowed: "1 to 1000",
        set: |config, value| number(value, 1, 1_000).map(|it| config.prices.drift_percent = it),
        get: |config| config.prices.drift_percent.to_string(),
    },
    Key {
        name: "prices.horizon_days",
        about: "days of demand that today's stock is to last for",
        allowed: "1 to 365",
        set: |config, value| number(value, 1, 365).map(|it| config.prices.horizon_days = it),
        get: |config| config.prices.horizon_days.to_string(),
    },
    Key {
        name: "trace.format",
        about: "form of the lines on standard error",
        allowed: "`text` or `json`",
        set: |config, value| {
            let formats = [("text", TraceFormat::Text), ("json", TraceFormat::Json)];
            one_of(value, &formats).map(|it| config.trace.format = it)
        },
        get: |config| {
            quoted(if config.trace.format == TraceFormat::Json { "json" } else { "text" })
        },
    },
    Key {
        name: "trace.level",
        about: "what is logged; empty: `info` for serve, `warn` for other commands",
        allowed: "`error`, `warn`, `info`, `debug`, `trace`, or a filter as of RUST_LOG",
        set: |config, value| level(value).map(|it| config.trace.level = it),
        get: |config| quoted(config.trace.level.as_deref().unwrap_or_default()),
    },
    Key {
        name: "shutdown_seconds",
        about: "longest time `serve` takes to stop, seconds",
        allowed: "1 to 3600",
        set: |config, value| number(value, 1, 3_600).map(|it| config.shutdown_seconds = it),
        get: |config| config.shutdown_seconds.to_string(),
    },
];

/// Names below which any key may stand.
pub const PROPERTIES: &str = "log.kafka.properties.";

/// Shown in place of a secret.
pub const HIDDEN: &str = "\"(hidden)\"";

/// Whether a value must never be printed: passwords, private keys, tokens of librdkafka.
pub fn is_secret(key: &str) -> bool {
    let property = key.strip_prefix(PROPERTIES).unwrap_or_default();
    ["password", "secret", "ssl.key.pem", "oauthbearer.config"]
        .iter()
        .any(|it| property.contains(it))
}

/// The properties of librdkafka that were set, with secrets hidden.
pub fn display_properties(config: &Config) -> Vec<(String, String)> {
    let shown = |(name, value): (&String, &String)| {
        let key = format!("{PROPERTIES}{name}");
        let value = if is_secret(&key) { HIDDEN.to_owned() } else { quoted(value) };
        (key, value)
    };
    config.log.kafka.properties.iter().map(shown).collect()
}

/// A property handed to librdkafka; numbers and booleans as they are written.
pub fn property(value: &Value) -> Result<String, String> {
    match value {
        Value::Bool(_, flag) => Ok(flag.to_string()),
        other => text(other),
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// Text, also where the environment made a number of it.
fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(_, text) => Ok(text.clone()),
        Value::Num(_, num) => match (num.to_i128(), num.to_u128(), num.to_f64()) {
            (Some(it), _, _) => Ok(it.to_string()),
            (_, Some(it), _) => Ok(it.to_string()),
            (_, _, Some(it)) => Ok(it.to_string()),
            _ => Err("is no text".to_owned()),
        },
        Value::Char(_, it) => Ok(it.to_string()),
        _ => Err("is no text".to_owned()),
    }
}

fn filled(value: &Value) -> Result<String, String> {
    match text(value)? {
        empty if empty.is_empty() => Err("is empty".to_owned()),
        text => Ok(text),
    }
}

fn number(value: &Value, least: u64, most: u64) -> Result<u64, String> {
    let parsed = match value {
        Value::Num(_, num) => num.to_i128().or_else(|| num.to_u128().map(|it| it as i128)),
        Value::String(_, text) => text.replace('_', "").parse().ok(),
        _ => None,
    };
    match parsed {
        None => Err("is no whole number".to_owned()),
        Some(it) if it < i128::from(least) => Err("is too small".to_owned()),
        Some(it) if it > i128::from(most) => Err("is too large".to_owned()),
        Some(it) => Ok(it as u64),
    }
}

fn one_of<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let given = text(value)?;
    let found = choices.iter().find(|(name, _)| *name == given);
    found.map(|(_, it)| *it).ok_or_else(|| "is none of them".to_owned())
}

fn word(text: &str, most: usize, also: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    match text {
        "" => Err("is empty".to_owned()),
        long if long.len() > most => Err(format!("is {} characters long", long.len())),
        other => match other.chars().find(|c| !fits(*c)) {
            Some(c) => Err(format!("holds {c:?}")),
            None => Ok(()),
        },
    }
}

fn name(value: &Value, most: usize) -> Result<String, String> {
    let text = text(value)?;
    word(&text, most, "-_").map(|()| text)
}

fn group(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    word(&text, 200, "-_.").map(|()| text)
}

fn markets(value: &Value) -> Result<Vec<String>, String> {
    let names: Vec<String> = match value {
        Value::Array(_, items) => items.iter().map(text).collect::<Result<_, _>>()?,
        other => {
            let text = text(other)?;
            text.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
        }
    };
    for (place, market) in names.iter().enumerate() {
        word(market, 60, "-_").map_err(|wrong| format!("market `{market}` {wrong}"))?;
        if names[..place].contains(market) {
            return Err(format!("names market `{market}` twice"));
        }
    }
    Ok(names)
}

fn brokers(value: &Value) -> Result<String, String> {
    let text = filled(value)?;
    for broker in text.split(',') {
        let port = broker.trim().rsplit_once(':').filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(format!("`{}` is not host:port", broker.trim()));
        }
    }
    Ok(text)
}

fn level(value: &Value) -> Result<Option<String>, String> {
    let text = text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    match tracing_subscriber::EnvFilter::try_new(&text) {
        Ok(_) => Ok(Some(text)),
        Err(_) => Err("is no filter".to_owned()),
    }
}
