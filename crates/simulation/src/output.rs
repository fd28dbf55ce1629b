//! What the engine writes, read back from records.

use omnifold_events::v1;
use omnifold_log::Record;
use prost::Message;

use crate::supply_notice::SupplyNotice;

/// One message of `assignments`, `rejected` or `notices`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is documented by its message in proto/
#[allow(clippy::large_enum_variant)] // the large ones are nearly all there are
pub enum Output {
    Outcome(v1::OrderOutcome),
    Assigned(v1::FulfilmentAssigned),
    Changed(v1::FulfilmentChanged),
    ReleaseRequested(v1::FulfilmentReleaseRequested),
    Released(v1::FulfilmentReleased),
    ReturnAuthorised(Box<v1::ReturnAuthorised>),
    ReturnRefused(v1::ReturnRefused),
    RefundDue(Box<v1::RefundDue>),
    SoftHold(v1::StockHoldOutcome),
    Wave(Box<v1::WavePlanned>),
    Rejected(v1::RejectedEvent),
    Variance(v1::CountVariance),
    Notice(Box<v1::Notice>),
    /// Purchasing and suppliers' work.
    Supply(Box<SupplyNotice>),
}

/// A record that is not an output of the engine.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It has no `ce_type` header, or one that is not an output's.
    #[error("`{0}` is not the type of an output")]
    Type(String),
    /// Its value is not the message that its type says.
    #[error("value is not a valid {type_name}")]
    Value {
        /// The type.
        type_name: String,
        /// What does not fit.
        #[source]
        source: prost::DecodeError,
    },
}

impl Output {
    /// Reads one record.
    pub fn from_record(record: &Record<'_>) -> Result<Output, OutputError> {
        let name = record.headers.get("ce_type").unwrap_or_default();
        let value = record.value.unwrap_or_default();
        let read = match name {
            b"omnifold.v1.OrderOutcome" => v1::OrderOutcome::decode(value).map(Output::Outcome),
            b"omnifold.v1.FulfilmentAssigned" => {
                v1::FulfilmentAssigned::decode(value).map(Output::Assigned)
            }
            b"omnifold.v1.FulfilmentChanged" => {
                v1::FulfilmentChanged::decode(value).map(Output::Changed)
            }
            b"omnifold.v1.FulfilmentReleaseRequested" => {
                v1::FulfilmentReleaseRequested::decode(value).map(Output::ReleaseRequested)
            }
            b"omnifold.v1.FulfilmentReleased" => {
                v1::FulfilmentReleased::decode(value).map(Output::Released)
            }
            b"omnifold.v1.ReturnAuthorised" => v1::ReturnAuthorised::decode(value)
                .map(|message| Output::ReturnAuthorised(Box::new(message))),
            b"omnifold.v1.ReturnRefused" => {
                v1::ReturnRefused::decode(value).map(Output::ReturnRefused)
            }
            b"omnifold.v1.RefundDue" => {
                v1::RefundDue::decode(value).map(|message| Output::RefundDue(Box::new(message)))
            }
            b"omnifold.v1.StockHoldOutcome" => {
                v1::StockHoldOutcome::decode(value).map(Output::SoftHold)
            }
            b"omnifold.v1.WavePlanned" => {
                v1::WavePlanned::decode(value).map(|message| Output::Wave(Box::new(message)))
            }
            b"omnifold.v1.RejectedEvent" => v1::RejectedEvent::decode(value).map(Output::Rejected),
            b"omnifold.v1.CountVariance" => v1::CountVariance::decode(value).map(Output::Variance),
            b"omnifold.v1.Notice" => {
                v1::Notice::decode(value).map(|message| Output::Notice(Box::new(message)))
            }
            other => {
                let read = SupplyNotice::read(other, value);
                let unknown = || OutputError::Type(String::from_utf8_lossy(other).into_owned());
                read.ok_or_else(unknown)?.map(|notice| Output::Supply(Box::new(notice)))
            }
        };
        let type_name = || String::from_utf8_lossy(name).into_owned();
        read.map_err(|source| OutputError::Value { type_name: type_name(), source })
    }

    /// The step that caused it.
    pub fn step(&self) -> u64 {
        match self {
            Output::Outcome(m) => m.step,
            // Left out where the outcome inside says the same.
            Output::Assigned(m) => m.outcome.as_ref().map_or(m.step, |outcome| outcome.step),
            Output::Changed(m) => m.step,
            Output::ReleaseRequested(m) => m.step,
            Output::Released(m) => m.step,
            Output::ReturnAuthorised(m) => m.step,
            Output::ReturnRefused(m) => m.step,
            Output::RefundDue(m) => m.step,
            Output::SoftHold(m) => m.step,
            Output::Wave(m) => m.step,
            Output::Rejected(m) => m.step,
            Output::Variance(m) => m.step,
            Output::Notice(m) => m.step,
            Output::Supply(notice) => notice.step(),
        }
    }

    /// Which of the timers that fired after that step; 0: the record itself.
    pub fn timer(&self) -> u32 {
        match self {
            Output::Outcome(m) => m.timer,
            Output::Assigned(m) => m.outcome.as_ref().map_or(m.timer, |outcome| outcome.timer),
            Output::Changed(m) => m.timer,
            Output::ReleaseRequested(m) => m.timer,
            Output::Released(m) => m.timer,
            Output::SoftHold(m) => m.timer,
            Output::Wave(m) => m.timer,
            Output::Notice(m) => m.timer,
            // Only a record causes these.
            Output::ReturnAuthorised(_)
            | Output::ReturnRefused(_)
            | Output::RefundDue(_)
            | Output::Rejected(_)
            | Output::Variance(_)
            | Output::Supply(_) => 0,
        }
    }

    /// What made the engine decide; nothing where it decided nothing.
    pub fn cause(&self) -> v1::Cause {
        match self {
            Output::Outcome(m) => m.cause(),
            Output::Assigned(m) => m.outcome.as_ref().map_or(m.cause(), v1::OrderOutcome::cause),
            Output::Changed(m) => m.cause(),
            Output::ReleaseRequested(m) => m.cause(),
            Output::Released(m) => m.cause(),
            Output::SoftHold(m) => m.cause(),
            Output::Wave(m) => m.cause(),
            Output::ReturnAuthorised(m) => m.cause(),
            Output::ReturnRefused(m) => m.cause(),
            Output::RefundDue(m) => m.cause(),
            Output::Rejected(_) | Output::Variance(_) | Output::Notice(_) | Output::Supply(_) => {
                v1::Cause::Unspecified
            }
        }
    }

    /// Channel and id of the order or hold it is about, no channel and the id of a wave; empty where it is
    /// about none.
    pub fn order(&self) -> (&str, &str) {
        match self {
            Output::Outcome(m) => (&m.channel, &m.order_id),
            Output::Assigned(m) => (&m.channel, &m.order_id),
            Output::Changed(m) => (&m.channel, &m.order_id),
            Output::ReleaseRequested(m) => (&m.channel, &m.order_id),
            Output::Released(m) => (&m.channel, &m.order_id),
            Output::SoftHold(m) => (&m.channel, &m.hold_id),
            Output::Wave(m) => ("", &m.wave_id),
            Output::ReturnAuthorised(m) => (&m.channel, &m.order_id),
            Output::ReturnRefused(m) => (&m.channel, &m.order_id),
            Output::RefundDue(m) => (&m.channel, &m.order_id),
            Output::Notice(m) => (&m.channel, &m.order_id),
            Output::Rejected(_) | Output::Variance(_) | Output::Supply(_) => ("", ""),
        }
    }

    /// Number of the fulfilment it is about, where it is about one.
    pub fn fulfilment(&self) -> Option<u32> {
        match self {
            Output::Assigned(m) => Some(m.fulfilment),
            Output::Changed(m) => Some(m.fulfilment),
            Output::ReleaseRequested(m) => Some(m.fulfilment),
            Output::Released(m) => Some(m.fulfilment),
            Output::Outcome(_)
            | Output::SoftHold(_)
            | Output::Wave(_)
            | Output::ReturnAuthorised(_)
            | Output::ReturnRefused(_)
            | Output::RefundDue(_)
            | Output::Rejected(_)
            | Output::Notice(_)
            | Output::Variance(_)
            | Output::Supply(_) => None,
        }
    }

    /// The node it is for, where it is for one.
    pub fn node(&self) -> Option<&str> {
        match self {
            Output::Assigned(m) => Some(&m.node_id),
            Output::Changed(m) => Some(&m.node_id),
            Output::ReleaseRequested(m) => Some(&m.node_id),
            Output::Released(m) => Some(&m.node_id),
            Output::Outcome(_)
            | Output::SoftHold(_)
            | Output::Wave(_)
            | Output::ReturnAuthorised(_)
            | Output::ReturnRefused(_)
            | Output::RefundDue(_)
            | Output::Notice(_)
            | Output::Rejected(_)
            | Output::Supply(_) => None,
            Output::Variance(m) => Some(&m.node_id),
        }
    }

    /// Number of the decision in its order; 0 where it has none.
    pub fn decision(&self) -> u32 {
        match self {
            Output::Outcome(m) => m.decision,
            Output::Assigned(m) => {
                m.outcome.as_ref().map_or(m.decision, |outcome| outcome.decision)
            }
            Output::Changed(m) => m.decision,
            Output::ReleaseRequested(m) => m.decision,
            Output::Released(m) => m.decision,
            Output::ReturnAuthorised(m) => m.decision,
            Output::ReturnRefused(m) => m.decision,
            Output::RefundDue(m) => m.decision,
            Output::SoftHold(_)
            | Output::Wave(_)
            | Output::Rejected(_)
            | Output::Variance(_)
            | Output::Notice(_)
            | Output::Supply(_) => 0,
        }
    }
}
