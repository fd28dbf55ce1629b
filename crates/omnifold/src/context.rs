//! What every command works with: the configuration, the log, and a running `serve` to ask.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use omnifold_log::embedded::{EmbeddedLog, EmbeddedOptions};
use omnifold_log::{Log, TopicKind};
use omnifold_log_kafka::{KafkaLog, KafkaOptions};
use omnifold_projector::{CheckpointLimits, Options, SliceLimits, StateAt};

use crate::cli::Globals;
use crate::client::Client;
use crate::config::{self, Config, Loaded, LogKind};
use crate::exit::{NotFound, Usage};
use crate::output::Output;
use crate::sealer::RefusedSealer;

/// What a command works with.
pub struct Context {
    /// The configuration and where it came from.
    pub loaded: Loaded,
    /// Where results go.
    pub output: Output,
    server: Option<String>,
}

/// A log of either kind.
#[derive(Clone)]
pub enum OpenLog {
    /// In the data folder.
    Embedded(Arc<EmbeddedLog>),
    /// On a Kafka cluster.
    Kafka(Arc<KafkaLog>),
}

impl OpenLog {
    /// The log itself.
    pub fn log(&self) -> Arc<dyn Log> {
        match self {
            OpenLog::Embedded(log) => log.clone(),
            OpenLog::Kafka(log) => log.clone(),
        }
    }

    /// The embedded log, where it is one.
    pub fn embedded(&self) -> Option<Arc<EmbeddedLog>> {
        match self {
            OpenLog::Embedded(log) => Some(log.clone()),
            OpenLog::Kafka(_) => None,
        }
    }

    fn topics(&self) -> Result<Vec<String>> {
        match self {
            OpenLog::Embedded(log) => Ok(log.topics()),
            OpenLog::Kafka(log) => Ok(log.topics()?),
        }
    }
}

impl Context {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn new(globals: &Globals, output: &Output) -> Result<Context> {
        let loaded = config::load(&globals.sources())?;
        Ok(Context { loaded, output: *output, server: globals.server.clone() })
    }

    /// The same with one market in a folder of its own, apart from what is configured: on an
    /// embedded log, asking no server.
    pub fn with_data(&self, folder: &Path, market: &str) -> Context {
        let mut loaded = self.loaded.clone();
        loaded.config.data = folder.join("data");
        loaded.config.keys = folder.join("keys");
        loaded.config.log.kind = LogKind::Embedded;
        loaded.config.markets = vec![market.to_owned()];
        Context { loaded, output: self.output, server: None }
    }

    /// The same with other topics, asking no server.
    pub fn with_prefix(&self, prefix: &str) -> Context {
        let mut loaded = self.loaded.clone();
        loaded.config.prefix = prefix.to_owned();
        Context { loaded, output: self.output, server: None }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// Opens the configured log. Makes the data folder of an embedded one.
    pub fn open_log(&self) -> Result<OpenLog> {
        let config = self.config();
        match config.log.kind {
            LogKind::Embedded => {
                let log = open_embedded(&config.log_folder())?;
                Ok(OpenLog::Embedded(log))
            }
            LogKind::Kafka => {
                let log = KafkaLog::connect(kafka_options(config)).context("Kafka")?;
                Ok(OpenLog::Kafka(Arc::new(log)))
            }
        }
    }

    /// Makes an embedded log that is gone with its folder: nothing waits for the disk.
    pub fn scratch_log(&self) -> Result<OpenLog> {
        let options = EmbeddedOptions { sync: false, ..EmbeddedOptions::default() };
        let folder = self.config().log_folder();
        make_folder(&folder)?;
        Ok(OpenLog::Embedded(EmbeddedLog::open_with(&folder, &options)?))
    }

    /// Opens the configured log for a question: an embedded one that is not there is not made.
    pub fn open_existing_log(&self) -> Result<OpenLog> {
        let folder = self.config().log_folder();
        if self.config().log.kind == LogKind::Embedded && !folder.is_dir() {
            let text = format!(
                "there is no log in {}; name the folder with --data, or fill one with \
                 `omnifold publish` or `omnifold import`",
                self.config().data.display()
            );
            return Err(NotFound(text).into());
        }
        self.open_log()
    }

    /// What the projector is run with.
    pub fn options(&self) -> Options {
        let config = self.config();
        Options {
            prefix: config.prefix.clone(),
            state: StateAt::Folder(config.state_folder()),
            slice: SliceLimits {
                records: config.slice.records,
                bytes: config.slice.bytes,
                wait: Duration::from_millis(config.slice.wait_ms),
            },
            checkpoint: CheckpointLimits {
                bytes: config.checkpoint.bytes,
                interval: Duration::from_millis(config.checkpoint.interval_ms),
            },
            cache_bytes: config.cache_bytes,
            sealer: Some(Arc::new(RefusedSealer::new(config.keys.clone()))),
            ..Options::default()
        }
    }

    /// The markets to work on: those named, or every one in the log.
    pub fn markets(&self, log: &OpenLog) -> Result<Vec<String>> {
        if !self.config().markets.is_empty() {
            return Ok(self.config().markets.clone());
        }
        let found = markets_of(&log.topics()?, &self.config().prefix);
        match found.is_empty() {
            false => Ok(found),
            true => Err(Usage(format!(
                "there is no market under prefix `{}` yet; name one with --market",
                self.config().prefix
            ))
            .into()),
        }
    }

    /// The one market to work on.
    pub fn market(&self, log: &OpenLog) -> Result<String> {
        one_of(self.markets(log)?)
    }

    /// The one market to ask a running `serve` about.
    pub fn market_of(&self, client: &Client) -> Result<String> {
        match self.config().markets.is_empty() {
            true => one_of(client.markets()?),
            false => one_of(self.config().markets.clone()),
        }
    }

    /// A running `serve`: the one named by --server, or the one that works on the data folder.
    pub fn remote(&self) -> Result<Option<Client>> {
        if let Some(url) = &self.server {
            return Ok(Some(Client::new(url)));
        }
        let Ok(address) = std::fs::read_to_string(self.config().address_file()) else {
            return Ok(None);
        };
        let client = Client::new(address.trim());
        // A killed server leaves the file behind.
        Ok(client.is_alive().then_some(client))
    }
}

fn open_embedded(folder: &Path) -> Result<Arc<EmbeddedLog>> {
    make_folder(folder)?;
    Ok(EmbeddedLog::open(folder)?)
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// How to reach Kafka, as the configuration says.
pub fn kafka_options(config: &Config) -> KafkaOptions {
    let kafka = &config.log.kafka;
    KafkaOptions {
        group: kafka.group.clone(),
        instance_id: kafka.instance_id.clone(),
        prefix: config.prefix.clone(),
        properties: kafka.properties.clone(),
        transaction_timeout: Duration::from_millis(kafka.transaction_timeout_ms.into()),
        ..KafkaOptions::new(kafka.brokers.clone())
    }
}

/// The markets that have topics under a prefix, in order.
fn markets_of(topics: &[String], prefix: &str) -> Vec<String> {
    let market = |topic: &String| {
        let rest = topic.strip_prefix(prefix)?.strip_prefix('.')?;
        let (market, name) = rest.rsplit_once('.')?;
        (TopicKind::parse(name) == Some(TopicKind::Orders)).then(|| market.to_owned())
    };
    let mut found: Vec<String> = topics.iter().filter_map(market).collect();
    found.sort();
    found.dedup();
    found
}

fn one_of(mut markets: Vec<String>) -> Result<String> {
    match markets.len() {
        1 => Ok(markets.remove(0)),
        0 => Err(Usage("there is no market; name one with --market".to_owned()).into()),
        _ => {
            let text = format!("there are several markets; name one with --market: {markets:?}");
            Err(Usage(text).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markets_are_found_by_their_topics() {
        let topics = ["a.de.orders", "a.de.journal", "a.at-1.orders", "ab.fr.orders", "a.x.other"];
        let topics = topics.map(str::to_owned);
        assert_eq!(markets_of(&topics, "a"), ["at-1", "de"]);
    }
}
