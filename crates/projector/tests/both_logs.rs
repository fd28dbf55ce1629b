//! Every scenario file of `tests/scenarios/` on the embedded log and on Kafka: the same events, all
//! of them there before anybody decides, give the same messages and the same digest.

mod support;

use std::path::Path;
use std::sync::Arc;

use omnifold_events::jsonl::FileEvent;
use omnifold_events::{ContentType, Envelope};
use omnifold_log::{HeadersBuilder, Log, RecordBuf, TopicKind};
use omnifold_projector::{Options, StateAt, run_until_idle};
use omnifold_simulation::scenario::{Action, parse};
use omnifold_simulation::workload::Workload;
use support::{Decided, Place, options, read_topic};

/// A market for each scenario, so many at once.
const AT_ONCE: usize = 6;

/// A scenario's events, under the name of the market they are played in.
struct Story {
    name: String,
    market: String,
    events: Vec<FileEvent>,
}

fn stories() -> Vec<Story> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let entries = std::fs::read_dir(&folder).expect("the scenarios");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let read = |(number, file): (usize, &std::path::PathBuf)| {
        let text = std::fs::read_to_string(file).expect("a readable scenario");
        let steps = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let events = steps.into_iter().filter_map(|step| match step.action {
            Action::Event(event) => Some(*event),
            _ => None,
        });
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        Story { name, market: format!("s{number}"), events: events.collect() }
    };
    // What asks functions alone has no events.
    files.iter().enumerate().map(read).filter(|story| !story.events.is_empty()).collect()
}

fn publish(log: &dyn Log, prefix: &str, story: &Story) {
    let mut batch = RecordBuf::default();
    for event in &story.events {
        let kind = TopicKind::parse(event.event.topic()).expect("an input topic");
        let place = TopicKind::INPUTS.iter().position(|&input| input == kind).expect("an input");
        let time_ms = event.time_ms.expect("a scenario's events are dated");
        let envelope = Envelope {
            id: &event.id,
            source: &event.source,
            type_name: event.event.type_name(),
            time_ms: Some(time_ms),
            content_type: ContentType::Protobuf,
        };
        let mut headers = HeadersBuilder::default();
        envelope.to_headers(|name, value| headers.put(name, value));
        let value = event.event.encode();
        batch.push(place, 0, time_ms, headers.as_headers(), b"k", Some(&value));
    }
    let producer = log.producer().expect("a producer");
    producer.append(&Workload::topics(prefix, &story.market), &batch).expect("appended");
}

/// What a market told, topic by topic, and its digest.
type Told = (Vec<Vec<Decided>>, String);

fn told(log: &dyn Log, prefix: &str, market: &str) -> Vec<Vec<Decided>> {
    let read = |kind| {
        let records = read_topic(log, prefix, market, kind);
        let pair =
            |r: omnifold_log::Record<'_>| (r.key.to_vec(), r.value.unwrap_or_default().to_vec());
        records.iter().map(pair).collect()
    };
    [TopicKind::Assignments, TopicKind::Notices].map(read).to_vec()
}

/// Plays stories, each in a market of its own, a few markets at once.
fn play(place: &Place, stories: &[Story]) -> Vec<Told> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let markets: Vec<&str> = stories.iter().map(|story| story.market.as_str()).collect();
    let log: Arc<dyn Log> = place.with_topics(&markets);
    let options = Options { state: StateAt::Memory, ..options(place, folder.path()) };
    let mut found = Vec::new();
    for few in stories.chunks(AT_ONCE) {
        few.iter().for_each(|story| publish(&*log, place.prefix(), story));
        let names: Vec<String> = few.iter().map(|story| story.market.clone()).collect();
        let runs = run_until_idle(log.clone(), &names, options.clone(), &mut |_| {});
        for run in runs.expect("the markets run") {
            let topics = told(&*log, place.prefix(), &run.position.market);
            found.push((topics, run.position.digest));
        }
    }
    found
}

#[test]
fn every_scenario_has_the_same_result_on_both_logs() {
    let Some(kafka) = Place::on_kafka("scenarios") else { return };
    let stories = stories();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let embedded = play(&Place::Embedded(folder.path().to_owned()), &stories);
    let decided = embedded.iter().filter(|(topics, _)| !topics[0].is_empty()).count();
    assert!(decided * 4 > stories.len() * 3, "most scenarios decide something: {decided}");
    let on_kafka = play(&kafka, &stories);
    for (story, (one, other)) in stories.iter().zip(embedded.iter().zip(&on_kafka)) {
        let (name, (told, digest)) = (&story.name, one);
        assert_eq!(told[0].len(), other.0[0].len(), "{name}: number of decisions");
        assert!(told[0] == other.0[0], "{name}: decisions differ");
        assert_eq!(told[1].len(), other.0[1].len(), "{name}: number of notices");
        assert!(told[1] == other.0[1], "{name}: notices differ");
        assert_eq!(*digest, other.1, "{name}: digest");
    }
    assert_eq!(embedded.len(), on_kafka.len());
}
