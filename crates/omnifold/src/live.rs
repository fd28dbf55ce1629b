//! The markets of a running instance, as the HTTP server asks them.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_events::jsonl::FileEvent;
use omnifold_log::{Log, TopicKind, topic_name};
use omnifold_projector::{
    Answer, Instance, MarketStatus, Options, Query, QueryError, Role, StateAt, StateReport,
    VerifyReport, verify,
};
use omnifold_server::{Markets, MarketsError, RecordPage, read_records};

use crate::exit::words;

/// A running instance. It can be taken out to be shut down while the server still answers.
pub struct LiveMarkets {
    log: Arc<dyn Log>,
    options: Options,
    markets: Vec<String>,
    instance: RwLock<Option<Instance>>,
    // One at a time: records of one request stay together and in order.
    publishing: Mutex<()>,
}

impl LiveMarkets {
    /// Serves this instance.
    pub fn new(
        log: Arc<dyn Log>,
        options: Options,
        markets: Vec<String>,
        instance: Instance,
    ) -> Self {
        let instance = RwLock::new(Some(instance));
        LiveMarkets { log, options, markets, instance, publishing: Mutex::new(()) }
    }

    /// Takes the instance out. From now on questions are answered with "not ready".
    pub fn take(&self) -> Option<Instance> {
        self.instance.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the instance was taken out.
    pub fn is_leaving(&self) -> bool {
        self.instance.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Whether this instance decides for a market now.
    pub fn owns(&self, market: &str) -> bool {
        let is_it = |status: &MarketStatus| status.market == market && status.role == Role::Owner;
        self.status().iter().any(is_it)
    }

    fn with<T>(
        &self,
        market: &str,
        ask: impl FnOnce(&Instance) -> Result<T, QueryError>,
    ) -> Result<T, MarketsError> {
        self.known(market)?;
        let kept = self.instance.read().unwrap_or_else(PoisonError::into_inner);
        let instance = kept.as_ref().ok_or_else(shutting_down)?;
        ask(instance).map_err(|error| self.translated(&error))
    }

    fn known(&self, market: &str) -> Result<(), MarketsError> {
        match self.markets.iter().any(|known| known == market) {
            true => Ok(()),
            false => Err(self.unknown(market)),
        }
    }

    fn unknown(&self, market: &str) -> MarketsError {
        MarketsError::UnknownMarket { market: market.to_owned(), known: self.markets.clone() }
    }

    fn translated(&self, error: &QueryError) -> MarketsError {
        match error {
            QueryError::NoMarket(market) => self.unknown(market),
            QueryError::NotFound(_) => MarketsError::NotFound { what: error.to_string() },
            QueryError::NoAnswer(_) => MarketsError::NotReady(error.to_string()),
            QueryError::Failed(_) => MarketsError::Failed(error.to_string()),
        }
    }
}

impl Markets for LiveMarkets {
    fn status(&self) -> Vec<MarketStatus> {
        let kept = self.instance.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(Instance::status).unwrap_or_default()
    }

    fn query(&self, market: &str, query: Query) -> Result<Answer, MarketsError> {
        self.with(market, |it| it.query(market, query))
    }

    fn verify_state(&self, market: &str) -> Result<StateReport, MarketsError> {
        self.with(market, |it| it.verify_state(market))
    }

    fn verify(&self, market: &str) -> Result<VerifyReport, MarketsError> {
        self.known(market)?;
        let options = Options { state: StateAt::Memory, ..self.options.clone() };
        verify(self.log.clone(), market, options, &mut |_| {}).map_err(|error| failed(&error))
    }

    fn publish(&self, market: &str, events: Vec<FileEvent>) -> Result<(), MarketsError> {
        self.known(market)?;
        let _one = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let options = PublisherOptions::default();
        let mut publisher = Publisher::new(&self.log, &self.options.prefix, market, options)
            .map_err(|error| failed(&error))?;
        for event in &events {
            publisher.publish(event).map_err(|error| failed(&error))?;
        }
        publisher.flush().map_err(|error| failed(&error))
    }

    fn records(
        &self,
        market: &str,
        topic: TopicKind,
        from: Option<u64>,
        limit: usize,
    ) -> Result<RecordPage, MarketsError> {
        self.known(market)?;
        let name = topic_name(&self.options.prefix, market, topic);
        read_records(&*self.log, &name, from, limit).map_err(|error| failed(&error))
    }
}

fn shutting_down() -> MarketsError {
    MarketsError::NotReady("the instance is shutting down".to_owned())
}

fn failed(error: &dyn std::error::Error) -> MarketsError {
    MarketsError::Failed(words(error))
}
