//! Seeded retailers, workloads, scripted scenarios, and the checker that reads only the topics.
//!
//! * [`retailer`]: the demo's retailer, a day of it as a stream of events.
//! * [`workload`]: the fixed benchmark mix of `benches/mix.toml`, written straight into records.
//! * [`scenario`]: text files of commands with the expected output beside them.
//! * [`what_if`]: recorded demand against other settings, with nodes that do what they did.
//! * [`checker`]: what must hold for the topics of a market, whatever the engine did inside. It
//!   shares no code with the engine.
//!
//! Nothing here is linked by production code except by the commands `demo`, `bench` and `simulate`.

pub mod checker;
pub mod output;
pub mod random;
pub mod retailer;
pub mod scenario;
pub mod supply_notice;
pub mod what_if;
pub mod workload;
