//! The epoch loop: gather, step, publish, acknowledge, checkpoint; recovery, rebuild, verify,
//! standby.
//!
//! One owner per market runs, over and over (DESIGN section 3):
//!
//! 1. `gather` a bounded slice of the input topics, merged by record time, topic and offset;
//! 2. `machine` steps through it: clock, fold, decisions, each folded before the next is taken;
//! 3. `publisher` appends the decisions and an epoch `mark` as one atomic batch, while the next
//!    slice is folded;
//! 4. `checkpoints` writes the rows of acknowledged epochs with the position they stand for.
//!
//! Recovery, rebuild, standby and verification are one thing, `follower`: fold the inputs of each
//! mark and its decisions at their steps, and compare every figure. Taking over is always the same:
//! drop what is in memory, fence, read the journal to its end, go on under a new incarnation.

mod availability;
mod cases;
mod checkpoints;
mod decide;
mod error;
mod explained;
mod figures;
mod follower;
mod gather;
mod instance;
mod machine;
mod mark;
mod market;
mod options;
mod owner;
mod priced;
mod publisher;
mod query;
mod read;
mod recorded;
mod run;
mod story;
mod topics;
mod torn;
mod verify;
mod voids;
mod why;

pub use cases::failed_cases;
pub use decide::{Supposed, decide};
pub use error::ProjectorError;
pub use gather::{ReplayGap, SliceLimits};
pub use instance::{Instance, ShutdownReport};
pub use machine::{Halt, Tally, TripWire};
pub use mark::Standing;
pub use market::{MarketStatus, Role};
pub use options::{CheckpointLimits, Observer, Options, Phase, Sealer, StateAt};
pub use query::{Answer, PromiseAsked, Query, QueryError, query_offline};
pub use read::Reading;
pub use run::{Progress, RunSummary, Until, run_market, run_until_idle};
pub use story::{History, history};
pub use topics::{check_topics, topic_specs};
pub use verify::{RebuildReport, StateReport, VerifyReport, rebuild, verify, verify_state};
pub use why::{Why, why};
