//! The topics of one market, as the projector uses them.

use omnifold_log::{Log, TopicKind, TopicSpec, topic_name};

use crate::error::ProjectorError;

/// Topics that an epoch writes to: their places are the topic numbers in its batch.
pub(crate) const OUTPUTS: [TopicKind; 5] = [
    TopicKind::Assignments,
    TopicKind::Rejected,
    TopicKind::Journal,
    TopicKind::Availability,
    TopicKind::Notices,
];
/// Place of `rejected` in [`OUTPUTS`]; `assignments` is at 0.
pub(crate) const REJECTED: usize = 1;
/// Place of `journal` in [`OUTPUTS`].
pub(crate) const JOURNAL: usize = 2;
/// Place of `availability` in [`OUTPUTS`].
pub(crate) const AVAILABILITY: usize = 3;
/// Place of `notices` in [`OUTPUTS`].
pub(crate) const NOTICES: usize = 4;

/// Names and identities of one market's topics.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    pub inputs: Vec<String>,
    pub identities: Vec<String>,
    pub outputs: Vec<String>,
}

impl Topics {
    /// Looks the topics up; missing or unfit ones are refused, all at once.
    pub(crate) fn look_up(
        log: &dyn Log,
        prefix: &str,
        market: &str,
    ) -> Result<Self, ProjectorError> {
        let faults = check_topics(log, prefix, &[market.to_owned()])?;
        if !faults.is_empty() {
            return Err(ProjectorError::Topics(faults));
        }
        let names = |kinds: &[TopicKind]| -> Vec<String> {
            kinds.iter().map(|&kind| topic_name(prefix, market, kind)).collect()
        };
        let inputs = names(&TopicKind::INPUTS);
        let asked: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let described = log.describe(&asked)?;
        let identities = described
            .into_iter()
            .map(|topic| topic.map_or(String::new(), |t| t.identity))
            .collect();
        Ok(Topics { inputs, identities, outputs: names(&OUTPUTS) })
    }
}

/// How every topic of a market must be set up.
pub fn topic_specs(prefix: &str, market: &str) -> Vec<TopicSpec> {
    let kinds = TopicKind::INPUTS.into_iter().chain(TopicKind::OUTPUTS);
    kinds.map(|kind| kind.spec(prefix, market)).collect()
}

/// Every fault of these markets' topics, one sentence each.
pub fn check_topics(
    log: &dyn Log,
    prefix: &str,
    markets: &[String],
) -> Result<Vec<String>, ProjectorError> {
    let mut faults = Vec::new();
    for market in markets {
        let specs = topic_specs(prefix, market);
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        for (spec, described) in specs.iter().zip(log.describe(&names)?) {
            match described {
                None => faults.push(format!(
                    "topic `{}` does not exist; create it with `omnifold topics create`",
                    spec.name
                )),
                Some(topic) => faults.extend(topic.faults(spec)),
            }
        }
    }
    Ok(faults)
}
