//! `omnifold redrive`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use clap::Args;
use omnifold_channels::sealing::Keyring;
use omnifold_events::v1::RejectedEvent;
use omnifold_events::{ContentType, Envelope};
use omnifold_log::{HeadersBuilder, Log, LogError, Producer, RecordBuf, TopicKind, topic_name};
use prost::Message;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Exit;
use crate::output::{pairs, thousands};
use crate::sealer::PURPOSE;

const EXAMPLE: &str = "\
Takes events from `rejected`, opens their sealed bytes and publishes them again to the topic they
came from, under the id ID~redrive-OFFSET: redriving the same record twice has no effect twice.
Correct what made the engine refuse them first: define the missing node or item, say. Bytes whose
key has expired, and records that had no readable envelope, are counted and left.

Example:
  omnifold redrive --reason unknown_sku --market de
  omnifold run --until-idle";

/// Publishes refused events again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Redrive {
    /// Only events refused for this reason; repeat it for several [default: every reason]
    #[arg(long = "reason", value_name = "CODE")]
    reasons: Vec<String>,
    /// First offset of `rejected` to take
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    from: u64,
    /// Only say what would be published
    #[arg(long)]
    dry_run: bool,
}

/// What became of the refused events.
#[derive(Debug, Default, Serialize)]
struct Report {
    published: u64,
    by_reason: BTreeMap<String, u64>,
    left_other_reason: u64,
    left_expired: u64,
    left_unreadable: u64,
}

/// Bytes of one append.
const BATCH_BYTES: usize = 4 << 20;

impl Redrive {
    /// Publishes what can be.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let opened = context.open_existing_log()?;
        let market = context.market(&opened)?;
        let log = opened.log();
        let keyring = Keyring::open_read_only(&context.config().keys);
        let keyring = keyring.context("refused events are sealed (configuration key `keys`)")?;
        let prefix = &context.config().prefix;
        let mut driver = Driver::new(&*log, prefix, &market, self)?;
        driver.all(&*log, &topic_name(prefix, &market, TopicKind::Rejected), &keyring)?;
        context.output.show(&driver.report, report_text)?;
        Ok(Exit::Done)
    }
}

struct Driver<'a> {
    request: &'a Redrive,
    topics: Vec<String>,
    producer: Box<dyn Producer>,
    batch: RecordBuf,
    headers: HeadersBuilder,
    report: Report,
}

impl<'a> Driver<'a> {
    fn new(log: &dyn Log, prefix: &str, market: &str, request: &'a Redrive) -> Result<Self> {
        let topics = TopicKind::INPUTS.map(|kind| topic_name(prefix, market, kind)).to_vec();
        Ok(Driver {
            request,
            topics,
            producer: log.producer()?,
            batch: RecordBuf::default(),
            headers: HeadersBuilder::default(),
            report: Report::default(),
        })
    }

    fn all(&mut self, log: &dyn Log, rejected: &str, keyring: &Keyring) -> Result<()> {
        let mut reader = log.reader(&[(rejected.to_owned(), self.request.from)])?;
        let mut buffer = RecordBuf::default();
        loop {
            buffer.clear();
            let fetched = reader.fetch(0, 1 << 20, &mut buffer)?;
            for record in buffer.iter() {
                match RejectedEvent::decode(record.value.unwrap_or_default()) {
                    Ok(event) => self.take(record.offset, &event, keyring)?,
                    Err(_) => self.report.left_unreadable += 1,
                }
            }
            if fetched.at_end {
                return Ok(self.flush()?);
            }
        }
    }

    fn take(&mut self, offset: u64, event: &RejectedEvent, keyring: &Keyring) -> Result<()> {
        let wanted = &self.request.reasons;
        if !wanted.is_empty() && !wanted.contains(&event.reason) {
            self.report.left_other_reason += 1;
            return Ok(());
        }
        let opened = event.sealed_value.as_ref().map(|sealed| keyring.unseal(PURPOSE, sealed));
        let Some(Ok(value)) = opened else {
            self.report.left_expired += 1;
            return Ok(());
        };
        let place = TopicKind::INPUTS.iter().position(|kind| kind.name() == event.topic);
        let (Some(place), Some(form)) = (place, form_of(event)) else {
            self.report.left_unreadable += 1;
            return Ok(());
        };
        self.push(place, form, offset, event, &value);
        self.report.published += 1;
        *self.report.by_reason.entry(event.reason.clone()).or_default() += 1;
        if self.batch.byte_len() >= BATCH_BYTES { Ok(self.flush()?) } else { Ok(()) }
    }

    fn push(
        &mut self,
        place: usize,
        content_type: ContentType,
        offset: u64,
        event: &RejectedEvent,
        value: &[u8],
    ) {
        let id = format!("{}~redrive-{offset}", event.event_id);
        let time_ms = event.record_time_ms;
        let envelope = Envelope {
            id: &id,
            source: &event.event_source,
            type_name: &event.event_type,
            time_ms: Some(time_ms),
            content_type,
        };
        self.headers.clear();
        envelope.to_headers(|name, value| self.headers.put(name, value));
        let headers = self.headers.as_headers();
        self.batch.push(place, 0, time_ms, headers, &event.record_key, Some(value));
    }

    fn flush(&mut self) -> Result<(), LogError> {
        if !self.batch.is_empty() && !self.request.dry_run {
            self.producer.append(&self.topics, &self.batch)?;
        }
        self.batch.clear();
        Ok(())
    }
}

/// How the payload is written; nothing where the record had no readable envelope.
fn form_of(event: &RejectedEvent) -> Option<ContentType> {
    let has_envelope = ![&event.event_id, &event.event_source, &event.event_type]
        .iter()
        .any(|attribute| attribute.is_empty());
    let forms = [ContentType::Protobuf, ContentType::Json];
    let form = forms.into_iter().find(|form| form.media_type() == event.content_type);
    form.filter(|_| has_envelope)
}

fn report_text(report: &Report) -> String {
    let mut rows = vec![("published again".to_owned(), thousands(report.published))];
    let reasons = report.by_reason.iter();
    rows.extend(reasons.map(|(reason, count)| (format!("  {reason}"), thousands(*count))));
    for (name, count) in [
        ("left: another reason", report.left_other_reason),
        ("left: the key has expired", report.left_expired),
        ("left: no readable envelope", report.left_unreadable),
    ] {
        rows.push((name.to_owned(), thousands(count)));
    }
    pairs(rows)
}
