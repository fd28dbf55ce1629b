//! `omnifold events`.

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use omnifold_log::{TopicKind, topic_name};
use omnifold_server::{RecordPage, read_records};

use crate::client::{Client, escaped};
use crate::context::{Context, OpenLog};
use crate::exit::Exit;

const EXAMPLE: &str = "\
One JSON object a line: where the record stands, its CloudEvents attributes, the event. Bytes that
are no event are told by size and fault, never printed: they may hold personal data.

Example:
  omnifold events tail --topic assignments --market de
  omnifold events tail --topic orders --from 0 --follow
  omnifold events tail --topic rejected --from 0 | jq .data.reason";

/// The topics.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print records of a topic, decoded
    #[command(after_help = EXAMPLE)]
    Tail(Tail),
}

/// Which records.
#[derive(Debug, Args)]
pub struct Tail {
    /// The topic
    #[arg(long, value_enum, default_value_t = Topic::Assignments)]
    topic: Topic,
    /// First offset to print [default: the last ten]
    #[arg(long, value_name = "OFFSET")]
    from: Option<u64>,
    /// Go on printing as records come
    #[arg(long, short)]
    follow: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Topic {
    Network,
    Supply,
    Stock,
    Fulfilment,
    Orders,
    Assignments,
    Availability,
    Notices,
    Rejected,
    Journal,
}

impl Topic {
    fn kind(self) -> TopicKind {
        match self {
            Topic::Network => TopicKind::Network,
            Topic::Supply => TopicKind::Supply,
            Topic::Stock => TopicKind::Stock,
            Topic::Fulfilment => TopicKind::Fulfilment,
            Topic::Orders => TopicKind::Orders,
            Topic::Assignments => TopicKind::Assignments,
            Topic::Availability => TopicKind::Availability,
            Topic::Notices => TopicKind::Notices,
            Topic::Rejected => TopicKind::Rejected,
            Topic::Journal => TopicKind::Journal,
        }
    }
}

/// Records of one page.
const PAGE: usize = 1_000;
/// Pause before a followed topic is looked at again.
const PAUSE: Duration = Duration::from_millis(200);

/// Where pages come from.
enum Source {
    Log(OpenLog, String),
    Server(Client, String),
}

impl Source {
    fn page(&self, from: Option<u64>) -> Result<RecordPage> {
        match self {
            Source::Log(log, topic) => Ok(read_records(&*log.log(), topic, from, PAGE)?),
            Source::Server(client, path) => {
                let from = from.map(|from| format!("&from={from}")).unwrap_or_default();
                let answer = client.get(&format!("{path}?limit={PAGE}{from}"))?;
                Ok(serde_json::from_value(answer)?)
            }
        }
    }
}

impl Events {
    /// Prints records.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let Events::Tail(tail) = self;
        let source = tail.source(context)?;
        let mut from = tail.from;
        loop {
            let page = source.page(from)?;
            for record in &page.records {
                context.output.line(&record.to_string())?;
            }
            from = Some(page.next);
            let at_end = page.next >= page.end || page.records.is_empty();
            match (at_end, tail.follow) {
                (true, false) => return Ok(Exit::Done),
                (true, true) => std::thread::sleep(PAUSE),
                (false, _) => {}
            }
        }
    }
}

impl Tail {
    fn source(&self, context: &Context) -> Result<Source> {
        let kind = self.topic.kind();
        if let Some(client) = context.remote()? {
            let market = escaped(&context.market_of(&client)?);
            let path = format!("/v1/markets/{market}/records/{}", kind.name());
            return Ok(Source::Server(client, path));
        }
        let log = context.open_existing_log()?;
        let market = context.market(&log)?;
        Ok(Source::Log(log, topic_name(&context.config().prefix, &market, kind)))
    }
}
