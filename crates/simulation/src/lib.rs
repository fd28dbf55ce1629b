//! Seeded retailers, workloads, scripted scenarios, and the checker that reads only the topics.
//!
//! * [`retailer`]: the demo's retailer, a day of it as a stream of events.
//! * [`workload`]: the fixed benchmark mix of `benches/mix.toml`, written straight into records.
//! * [`scenario`]: text files of commands with the expected output beside them.
//! * [`checker`]: what must hold for the topics of a market, whatever the engine did inside. It
//!   shares no code with the engine.
//!
//! Nothing here is linked by production code except by the commands `demo` and `bench`.

pub mod checker;
pub mod output;
pub mod random;
pub mod retailer;
pub mod scenario;
pub mod supply_notice;
pub mod workload;
