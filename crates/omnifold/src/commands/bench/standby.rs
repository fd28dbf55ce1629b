//! Two instances on one Kafka: SIGKILL of the owner to the next decision by the standby.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use omnifold_events::ContentType;
use serde::Serialize;

use super::child::{Running, command, server_of, standing, wait_for};
use super::{Work, load, throughput};
use crate::client::Client;

/// The group's session timeout, milliseconds: the least a broker allows by default.
const SESSION_MS: u64 = 6_000;

/// What the take-over came to.
#[derive(Debug, Serialize)]
pub struct Standby {
    /// Orders of the backlog.
    pub orders: u64,
    /// From SIGKILL to the first epoch of the standby as owner.
    pub seconds: f64,
    /// The group's session timeout: as long as that, the group does not know. What is above it is
    /// the take-over, at most: the last heartbeat was a little before the kill.
    pub session_seconds: f64,
}

/// One instance.
struct Member {
    running: Running,
    client: Client,
}

/// Runs the scenario.
pub fn measure(work: &Work<'_>, orders: u64) -> Result<Standby> {
    let prefix = format!("bench-{}-standby", std::process::id());
    let log = throughput::open(work, &prefix)?;
    work.note(&format!("standby: writing {orders} orders ..."));
    load::into_log(&*log, &prefix, &work.mix, orders, ContentType::Protobuf)?;
    let folder = |name: &str| work.folder.path().join(format!("standby-{name}"));
    let members = [start(work, &folder("a"), &prefix)?, start(work, &folder("b"), &prefix)?];
    let (mut owner, standby) = roles(members)?;
    // The standby follows; the backlog is far from its end.
    wait_for("a warm standby", || {
        let (_, _, followed) = standing(&standby.client)?;
        (followed > orders / 20).then_some(())
    })?;
    work.note("standby: killing the owner ...");
    let killed = Instant::now();
    owner.running.kill()?;
    let (_, first, _) = wait_for("the standby to be owner", || {
        standing(&standby.client).filter(|(role, ..)| role == "owner")
    })?;
    wait_for("a decision", || standing(&standby.client).filter(|(_, epoch, _)| *epoch > first))?;
    Ok(Standby {
        orders,
        seconds: killed.elapsed().as_secs_f64(),
        session_seconds: SESSION_MS as f64 / 1_000.0,
    })
}

fn start(work: &Work<'_>, folder: &PathBuf, prefix: &str) -> Result<Member> {
    std::fs::create_dir_all(folder)?;
    let brokers = work.brokers()?;
    let mut command = command(folder, &["serve", "--kafka", brokers, "--prefix", prefix])?;
    command.env("OMNIFOLD_LOG__KAFKA__GROUP", prefix);
    let session = SESSION_MS.to_string();
    command.env("OMNIFOLD_LOG__KAFKA__PROPERTIES__SESSION.TIMEOUT.MS", session);
    let running = Running::start(command)?;
    Ok(Member { running, client: server_of(Path::new(folder))? })
}

/// The owner, and the other.
fn roles([one, other]: [Member; 2]) -> Result<(Member, Member)> {
    let owns = |member: &Member| {
        standing(&member.client).is_some_and(|(role, epoch, _)| role == "owner" && epoch > 1)
    };
    let is_first = wait_for("an owner", || match (owns(&one), owns(&other)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    })?;
    Ok(if is_first { (one, other) } else { (other, one) })
}
