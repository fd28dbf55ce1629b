//! The benchmark's events: the fixed mix of `benches/mix.toml`, written straight into records.
//!
//! One pass, bounded memory, the same bytes for the same mix. A run has three parts:
//! [`Workload::setup`] (market, nodes, items, counts), then one [`Workload::order`] after the
//! other, each with what follows from it, then [`Workload::finish`], which serves what still
//! waits. [`Workload::load`] does all three into a log.
//!
//! What an order brings: the order itself; for one in a hundred the same record again a few orders
//! later; a rejection of the first fulfilment for one in fifty, some hundred orders later;
//! deliveries to scarce SKUs when their turn has come, and to one shelf after the other.

mod encode;
mod mix;
mod plan;
#[cfg(test)]
mod tests;

use omnifold_events::{ContentType, v1};
use omnifold_log::{LogError, Producer, RecordBuf, TopicKind, topic_name};

pub use mix::{Coverage, Explanation, MarketMix, Mix, MixError, Permille, Shortage, StockMix};

use crate::random::Random;
use encode::Encoder;
use plan::{Class, Plan};

/// Orders between an order and its duplicate.
const DUPLICATE_AFTER: u64 = 20;
/// Orders between an order and its rejection.
const REJECTED_AFTER: u64 = 200;
/// Orders whose times are remembered, for duplicates.
const REMEMBERED: usize = 32;
/// The market is set up this long before the first order.
const SETUP_BEFORE_MS: i64 = 3_600_000;

/// How a mix is played.
#[derive(Debug, Clone)]
pub struct Play {
    /// Orders, duplicates not counted.
    pub orders: u64,
    /// How the payloads are written.
    pub form: ContentType,
    /// `EVENTS` for a backlog; `WALL` where the caller gives each order its time.
    pub clock: v1::ClockKind,
    /// Time of the first order, milliseconds since the Unix epoch.
    pub start_ms: i64,
}

impl Play {
    /// A backlog of so many orders that starts on 2025-06-02.
    pub fn backlog(orders: u64, form: ContentType) -> Self {
        Play { orders, form, clock: v1::ClockKind::Events, start_ms: 1_748_822_400_000 }
    }
}

/// What was written so far, and what should become of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Orders, duplicates not counted.
    pub orders: u64,
    /// Of those, need more than one node.
    pub split: u64,
    /// Of those, wait for stock.
    pub wait: u64,
    /// Of those, turned down once.
    pub rejected: u64,
    /// Records that came again.
    pub duplicates: u64,
    /// Records of all topics.
    pub records: u64,
    /// Bytes of payloads.
    pub payload_bytes: u64,
}

/// The generator. See the module's head.
pub struct Workload {
    mix: Mix,
    play: Play,
    plan: Plan,
    encoder: Encoder,
    setup_step: usize,
    /// Scarce orders so far.
    scarce: u64,
    deliveries: u64,
    times: [i64; REMEMBERED],
    last_ms: i64,
    written: Written,
}

impl Workload {
    /// Plays a mix.
    pub fn new(mix: &Mix, play: Play) -> Self {
        Workload {
            plan: Plan::new(mix),
            encoder: Encoder::new(mix.skus, play.form),
            mix: mix.clone(),
            setup_step: 0,
            scarce: 0,
            deliveries: 0,
            times: [0; REMEMBERED],
            last_ms: play.start_ms,
            written: Written::default(),
            play,
        }
    }

    /// The topics that [`omnifold_log::Record::topic`] of the records counts in.
    pub fn topics(prefix: &str, market: &str) -> Vec<String> {
        TopicKind::INPUTS.map(|kind| topic_name(prefix, market, kind)).to_vec()
    }

    /// What was written so far.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Writes the market, nodes, items and counts, about `bytes` of them at a time. Returns
    /// whether there are more.
    pub fn setup(&mut self, into: &mut RecordBuf, bytes: usize) -> bool {
        let full = into.byte_len() + bytes;
        while into.byte_len() < full {
            let before = into.len();
            let more = self.setup_one(into);
            self.written.records += (into.len() - before) as u64;
            if !more {
                return false;
            }
        }
        true
    }

    fn setup_one(&mut self, into: &mut RecordBuf) -> bool {
        let time = self.play.start_ms - SETUP_BEFORE_MS;
        let step = self.setup_step;
        self.setup_step += 1;
        let (nodes, skus) = (self.mix.nodes, self.mix.skus);
        if step == 0 {
            let market = self.mix.market_configured(self.play.clock);
            self.encoder.event(into, "market", b"market", time, market);
        } else if step <= nodes {
            self.encoder.node(into, step - 1, time);
        } else if step <= nodes + skus {
            self.encoder.item(into, step - 1 - nodes, time);
        } else if step <= nodes + 2 * skus {
            let sku = step - 1 - nodes - skus;
            for node in self.plan.nodes_of(sku) {
                self.encoder.count(into, node, sku, self.plan.opening_units(sku), time);
            }
        } else {
            return false;
        }
        true
    }

    /// Writes the next order at its simulated time, and what follows. `false`: there was none left.
    pub fn order(&mut self, into: &mut RecordBuf) -> bool {
        let pace = 86_400_000 / self.mix.orders_per_day as i64;
        let time = self.play.start_ms + self.written.orders as i64 * pace;
        self.order_at(time, into)
    }

    /// Writes the next order as placed at this time, and what follows. `false`: none was left.
    pub fn order_at(&mut self, time_ms: i64, into: &mut RecordBuf) -> bool {
        let order = self.written.orders;
        if order >= self.play.orders {
            return false;
        }
        let before = into.len();
        self.times[order as usize % REMEMBERED] = time_ms;
        self.last_ms = time_ms;
        let class = self.plan.class(order);
        self.place(order, time_ms, into);
        self.written.payload_bytes += self.encoder.value_len() as u64;
        self.follow(order, class, into);
        self.written.orders += 1;
        self.written.records += (into.len() - before) as u64;
        true
    }

    fn place(&mut self, order: u64, time_ms: i64, into: &mut RecordBuf) {
        let mut random = Random::of_part(self.mix.seed, order);
        let lines = self.plan.lines(order, self.plan.class(order), &mut random);
        let near = random.below(self.mix.nodes as u64) as usize;
        self.encoder.order(into, order, &lines, near, &mut random, time_ms);
    }

    fn follow(&mut self, order: u64, class: Class, into: &mut RecordBuf) {
        match class {
            Class::Split => self.written.split += 1,
            Class::Rejected => self.written.rejected += 1,
            Class::Scarce(number) => {
                self.written.wait += u64::from(self.plan.waits(number));
                self.scarce = number + 1;
                if let Some((sku, units)) = self.plan.delivery_after(number) {
                    self.deliver(self.plan.nodes_of(sku).start, sku, units, into);
                }
            }
            Class::Plain => {}
        }
        if let Some(earlier) = order.checked_sub(REJECTED_AFTER) {
            self.reject(earlier, into);
        }
        if let Some(earlier) = order.checked_sub(DUPLICATE_AFTER) {
            self.repeat(earlier, into);
        }
        if order.is_multiple_of(self.mix.stock.delivery_every) {
            let number = order / self.mix.stock.delivery_every;
            let (node, sku) = self.plan.delivery(number);
            self.deliver(node, sku, self.mix.stock.delivery_units, into);
        }
    }

    fn deliver(&mut self, node: usize, sku: usize, units: i64, into: &mut RecordBuf) {
        self.deliveries += 1;
        let time = self.last_ms + 1;
        self.encoder.delivery(into, self.deliveries, (node, sku, units), time);
    }

    fn reject(&mut self, order: u64, into: &mut RecordBuf) {
        if self.plan.class(order) == Class::Rejected {
            let mut random = Random::of_part(!self.mix.seed, order);
            let reason = match random.below(100) {
                0..60 => v1::RejectionReason::NoVariance,
                60..85 => v1::RejectionReason::Mismatch,
                85..95 => v1::RejectionReason::Damaged,
                _ => v1::RejectionReason::NotInStock,
            };
            self.encoder.rejection(into, order, reason, self.last_ms + 2);
        }
    }

    fn repeat(&mut self, order: u64, into: &mut RecordBuf) {
        if self.plan.comes_twice(order) {
            self.written.duplicates += 1;
            self.place(order, self.times[order as usize % REMEMBERED], into);
        }
    }

    /// Writes what is left after the last order: late duplicates and rejections, and deliveries
    /// that serve all that waits.
    pub fn finish(&mut self, into: &mut RecordBuf) {
        let before = into.len();
        let end = self.written.orders;
        for order in end.saturating_sub(REJECTED_AFTER)..end {
            self.reject(order, into);
        }
        for order in end.saturating_sub(DUPLICATE_AFTER)..end {
            self.repeat(order, into);
        }
        for (sku, units) in self.plan.still_waiting(self.scarce) {
            self.deliver(self.plan.nodes_of(sku).start, sku, units, into);
        }
        self.written.records += (into.len() - before) as u64;
    }

    /// Publishes everything, about `batch_bytes` at a time. `topics` as of [`Workload::topics`].
    pub fn load(
        &mut self,
        producer: &dyn Producer,
        topics: &[String],
        batch_bytes: usize,
    ) -> Result<Written, LogError> {
        self.load_setup(producer, topics, batch_bytes)?;
        self.load_orders(producer, topics, batch_bytes)
    }

    /// Publishes what comes before the first order: the market, nodes, items and counts.
    pub fn load_setup(
        &mut self,
        producer: &dyn Producer,
        topics: &[String],
        batch_bytes: usize,
    ) -> Result<Written, LogError> {
        let mut batch = RecordBuf::default();
        while self.setup(&mut batch, batch_bytes) {
            send(producer, topics, &mut batch)?;
        }
        send(producer, topics, &mut batch)?;
        Ok(self.written)
    }

    /// Publishes the orders and what follows them.
    pub fn load_orders(
        &mut self,
        producer: &dyn Producer,
        topics: &[String],
        batch_bytes: usize,
    ) -> Result<Written, LogError> {
        let mut batch = RecordBuf::default();
        while self.order(&mut batch) {
            if batch.byte_len() >= batch_bytes {
                send(producer, topics, &mut batch)?;
            }
        }
        self.finish(&mut batch);
        send(producer, topics, &mut batch)?;
        Ok(self.written)
    }
}

fn send(producer: &dyn Producer, topics: &[String], batch: &mut RecordBuf) -> Result<(), LogError> {
    producer.append(topics, batch)?;
    batch.clear();
    Ok(())
}
