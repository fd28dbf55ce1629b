//! `omnifold publish`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use omnifold_channels::files::{FileOptions, FileReport, Mapping, publish_csv, publish_json_lines};
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_channels::sealing::Keyring;
use omnifold_events::ContentType;
use serde_json::json;

use crate::commands::topics::create_for;
use crate::context::{Context, OpenLog};
use crate::exit::Exit;
use crate::output::{pairs, thousands};
use crate::progress::Line;
use crate::server_producer::ServerProducer;

const EXAMPLE: &str = "\
A file of JSON lines holds one CloudEvent a line, for any topic. A CSV file needs a mapping, which
says what event a row is and which column is which field. Lines that are no event are kept in
FILE.rejects, with the reasons beside them, and the others are published; --strict stops at the
first. Publishing a file again does no harm: an event is known by its source and id.

The topics of the market are made where they are missing. While `omnifold serve` works on the same
folder, the events are sent to it.

Example:
  omnifold publish deploy/examples/first-orders.jsonl --market de
  omnifold publish stock.csv --csv-mapping deploy/examples/stock-mapping.toml --market de
  generate-orders | omnifold publish - --market de";

/// Publishes events from files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Publish {
    /// Files of JSON lines, or CSV with a mapping; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The files are CSV; this says how rows become events
    #[arg(long, value_name = "FILE")]
    csv_mapping: Option<PathBuf>,
    /// Stop at the first line that is no event
    #[arg(long)]
    strict: bool,
    /// How the payloads are written in the log
    #[arg(long, value_enum, default_value_t = Content::Protobuf)]
    content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Content {
    Json,
    Protobuf,
}

impl Publish {
    /// Publishes each file.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let mapping = self.csv_mapping.as_deref().map(Mapping::read).transpose()?;
        let keyring = match mapping.as_ref().is_some_and(Mapping::seals) {
            true => Some(Keyring::open_or_create(&context.config().keys)?),
            false => None,
        };
        let content_type = match self.content {
            Content::Json => ContentType::Json,
            Content::Protobuf => ContentType::Protobuf,
        };
        let (mut publisher, _log) = publisher(context, content_type)?;
        let mut reports = Vec::new();
        for file in &self.files {
            let line = Line::new(&context.output, "publishing");
            let progress = |done, size| line.say(far(file, done, size));
            let options = FileOptions { strict: self.strict, rejects: None };
            reports.push(match &mapping {
                None => publish_json_lines(file, &options, &mut publisher, &progress)?,
                Some(mapping) => {
                    let keyring = keyring.as_ref();
                    publish_csv(file, mapping, keyring, &options, &mut publisher, &progress)?
                }
            });
        }
        publisher.flush()?;
        let published = publisher.published();
        let is_whole = reports.iter().all(|report| report.rejected == 0);
        let result = json!({ "ok": is_whole, "published": published, "files": reports });
        context.output.show(&result, |_| {
            let topics = published.by_topic.iter();
            let mut rows = vec![("published".to_owned(), thousands(published.events))];
            rows.extend(topics.map(|(topic, count)| (format!("  {topic}"), thousands(*count))));
            let rejected = reports.iter().filter(|report| report.rejected > 0).map(rejected_text);
            pairs(rows) + &rejected.collect::<String>()
        })?;
        Ok(if is_whole { Exit::Done } else { Exit::Failed })
    }
}

/// A publisher to the log or to a running server. The log lives as long as it is kept.
pub(super) fn publisher(
    context: &Context,
    content_type: ContentType,
) -> Result<(Publisher, Option<OpenLog>)> {
    let prefix = &context.config().prefix;
    if let Some(client) = context.remote()? {
        let market = context.market_of(&client)?;
        let options = PublisherOptions::default();
        let producer = Box::new(ServerProducer::new(client, &market));
        return Ok((Publisher::with_producer(producer, prefix, &market, options), None));
    }
    let log = context.open_log()?;
    let market = context.market(&log)?;
    create_for(context, &log, &market)?;
    let options = PublisherOptions { content_type, ..PublisherOptions::default() };
    Ok((Publisher::new(&log.log(), prefix, &market, options)?, Some(log)))
}

fn far(file: &Path, done: u64, size: u64) -> String {
    match size {
        0 => format!("{}: {} bytes", file.display(), thousands(done)),
        size => format!("{}: {} %", file.display(), done * 100 / size.max(1)),
    }
}

fn rejected_text(report: &FileReport) -> String {
    let mut text = format!(
        "\n{} of {} lines of {} are no events:\n",
        thousands(report.rejected),
        thousands(report.lines),
        report.file.display()
    );
    for line in &report.first_rejected {
        text.push_str(&format!("  {line}\n"));
    }
    let file = |path: &Option<PathBuf>| {
        path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    };
    text.push_str(&format!(
        "they are kept in {}, the reasons in {}\n",
        file(&report.rejects_file),
        file(&report.reasons_file)
    ));
    text
}
