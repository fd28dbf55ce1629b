//! Figures of the epoch loop for the metrics recorder, whichever is installed.

use std::time::{Duration, Instant};

use crate::gather::Gatherer;
use crate::machine::Machine;

/// Asking RocksDB of every column family takes locks: not once an epoch, which may be milliseconds.
const STORE_EVERY: Duration = Duration::from_secs(1);

/// How long an epoch took.
pub(crate) struct Took {
    /// The append alone.
    pub append: Duration,
    /// From the gathering of its records to the append's answer.
    pub decision: Duration,
}

/// Metrics of one market.
pub(crate) struct Figures {
    market: String,
    records: u64,
    orders: u64,
    duplicates: u64,
    rejected: u64,
    /// When the medium was last asked.
    asked_store: Option<Instant>,
}

impl Figures {
    pub(crate) fn new(market: &str) -> Self {
        describe();
        Figures {
            market: market.to_owned(),
            records: 0,
            orders: 0,
            duplicates: 0,
            rejected: 0,
            asked_store: None,
        }
    }

    /// An epoch was acknowledged.
    pub(crate) fn acknowledged(
        &mut self,
        gatherer: &Gatherer,
        machine: &Machine,
        decisions: u32,
        clock_ms: i64,
        took: &Took,
    ) {
        let market = || self.market.clone();
        let tally = &machine.tally;
        metrics::counter!("omnifold_epochs_total", "market" => market()).increment(1);
        metrics::counter!("omnifold_decisions_total", "market" => market())
            .increment(u64::from(decisions));
        let grown = [
            ("omnifold_events_total", tally.records, &mut self.records),
            ("omnifold_orders_total", tally.orders, &mut self.orders),
            ("omnifold_duplicates_total", tally.duplicates, &mut self.duplicates),
            ("omnifold_rejected_total", tally.rejected, &mut self.rejected),
        ];
        for (name, now, before) in grown {
            metrics::counter!(name, "market" => self.market.clone()).increment(now - *before);
            *before = now;
        }
        metrics::histogram!("omnifold_publish_seconds", "market" => self.market.clone())
            .record(took.append.as_secs_f64());
        metrics::histogram!("omnifold_decision_seconds", "market" => self.market.clone())
            .record(took.decision.as_secs_f64());
        if self.asked_store.is_none_or(|asked| asked.elapsed() >= STORE_EVERY) {
            self.asked_store = Some(Instant::now());
            self.store(machine);
        }
        metrics::gauge!("omnifold_clock_seconds", "market" => self.market.clone())
            .set(clock_ms as f64 / 1e3);
        let cache = machine.store.figures();
        let gauges = [
            ("omnifold_cache_orders", cache.orders as f64),
            ("omnifold_cache_stock_rows", cache.stock_rows as f64),
            ("omnifold_unflushed_ids", cache.unflushed_ids as f64),
            ("omnifold_waiting_orders", cache.waiting as f64),
            ("omnifold_cache_hits", cache.hits as f64),
            ("omnifold_cache_misses", cache.misses as f64),
        ];
        for (name, value) in gauges {
            metrics::gauge!(name, "market" => self.market.clone()).set(value);
        }
        self.lag(gatherer, clock_ms);
    }

    /// Figures of the rows' medium, where it has any.
    fn store(&self, machine: &Machine) {
        let Some(figures) = machine.store.backend().figures() else { return };
        let gauges = [
            ("omnifold_rocksdb_live_bytes", figures.live_bytes),
            ("omnifold_rocksdb_memtable_bytes", figures.memtable_bytes),
            ("omnifold_rocksdb_write_stopped", figures.write_stopped),
            ("omnifold_rocksdb_delayed_write_rate", figures.delayed_write_rate),
        ];
        for (name, value) in gauges {
            metrics::gauge!(name, "market" => self.market.clone()).set(value as f64);
        }
    }

    /// Nothing is to be done.
    pub(crate) fn idle(&self, gatherer: &Gatherer) {
        self.lag(gatherer, 0);
    }

    fn lag(&self, gatherer: &Gatherer, clock_ms: i64) {
        let seconds = match gatherer.oldest_ms() {
            Some(oldest) => (oldest - clock_ms).max(0) as f64 / 1e3,
            None => 0.0,
        };
        metrics::gauge!("omnifold_lag_events", "market" => self.market.clone())
            .set(gatherer.lag() as f64);
        metrics::gauge!("omnifold_lag_seconds", "market" => self.market.clone()).set(seconds);
    }
}

fn describe() {
    metrics::describe_counter!("omnifold_epochs_total", "Epochs acknowledged");
    metrics::describe_counter!("omnifold_events_total", "Input records taken");
    metrics::describe_counter!("omnifold_orders_total", "Orders that entered the state");
    metrics::describe_counter!("omnifold_decisions_total", "Decisions published");
    metrics::describe_counter!("omnifold_duplicates_total", "Events known already");
    metrics::describe_counter!("omnifold_rejected_total", "Events refused");
    metrics::describe_histogram!("omnifold_publish_seconds", "Append of one epoch to the log");
    metrics::describe_histogram!(
        "omnifold_decision_seconds",
        "From the gathering of an epoch's records to its decisions being durable"
    );
    metrics::describe_gauge!("omnifold_rocksdb_live_bytes", "Live table files of the state");
    metrics::describe_gauge!("omnifold_rocksdb_memtable_bytes", "Memtables of the state");
    metrics::describe_gauge!("omnifold_rocksdb_write_stopped", "1 while RocksDB stops writes");
    metrics::describe_gauge!(
        "omnifold_rocksdb_delayed_write_rate",
        "Bytes a second that RocksDB holds writes down to; 0 where it does not"
    );
    metrics::describe_histogram!("omnifold_checkpoint_seconds", "Write and flush of a checkpoint");
    metrics::describe_gauge!("omnifold_checkpoint_bytes", "Row bytes of the newest checkpoint");
    metrics::describe_gauge!("omnifold_lag_events", "Input records not taken");
    metrics::describe_gauge!(
        "omnifold_lag_seconds",
        "Clock time from the clock to the oldest record not taken"
    );
    metrics::describe_gauge!("omnifold_clock_seconds", "The market's clock, seconds since 1970");
    metrics::describe_gauge!("omnifold_waiting_orders", "Places in the queues of waiting orders");
    metrics::describe_gauge!("omnifold_cache_orders", "Orders in memory");
    metrics::describe_gauge!("omnifold_cache_stock_rows", "Stock rows in memory");
    metrics::describe_gauge!("omnifold_cache_hits", "Orders found in memory");
    metrics::describe_gauge!("omnifold_cache_misses", "Orders looked for in the store");
    metrics::describe_gauge!("omnifold_unflushed_ids", "Event ids that no checkpoint holds yet");
}
