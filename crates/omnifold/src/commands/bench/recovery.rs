//! SIGKILL under load to the next decision, on the embedded log.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use omnifold_events::ContentType;
use serde::Serialize;

use super::child::{Running, command, server_of, standing, wait_for};
use super::{Work, load};
use crate::client::Client;

/// Kills, spread over the backlog.
const KILLS: u64 = 8;

/// What the kills came to.
#[derive(Debug, Serialize)]
pub struct Recovery {
    /// Orders of the backlog.
    pub orders: u64,
    /// From each SIGKILL to the first epoch of the process started at once after it, seconds.
    pub seconds: Vec<f64>,
    /// Checkpoints made while it ran.
    pub checkpoints: u64,
    /// Writing and flushing one, on average, seconds.
    pub checkpoint_seconds: f64,
}

/// Runs the scenario.
pub fn measure(work: &Work<'_>, orders: u64) -> Result<Recovery> {
    let folder = work.folder.path().join("recovery");
    work.note(&format!("recovery: writing {orders} orders ..."));
    let form = ContentType::Protobuf;
    let written = load::into_folder(&folder.join("data"), &work.mix, orders, form)?;
    let mut result =
        Recovery { orders, seconds: Vec::new(), checkpoints: 0, checkpoint_seconds: 0.0 };
    let (mut serving, mut client) = serve(&folder)?;
    for kill in 1..=KILLS {
        let step = written.records * kill / (KILLS + 2);
        wait_for("half of the backlog", || standing(&client).filter(|(_, _, at)| *at >= step))?;
        note_checkpoints(&client, &mut result);
        let address = folder.join("data/server.addr");
        std::fs::remove_file(&address)?;
        let killed = Instant::now();
        serving.kill()?;
        (serving, client) = serve(&folder)?;
        next_decision(&client)?;
        result.seconds.push(killed.elapsed().as_secs_f64());
        work.note(&format!(
            "recovery: kill {kill} of {KILLS}, {:.2} s",
            result.seconds[kill as usize - 1]
        ));
    }
    serving.kill()?;
    std::fs::remove_dir_all(&folder)?;
    Ok(result)
}

fn serve(folder: &Path) -> Result<(Running, Client)> {
    let serving = Running::start(command(folder, &["serve"])?)?;
    let client = server_of(folder)?;
    Ok((serving, client))
}

/// Waits until the market has been decided on after it was taken over: its epoch grows.
fn next_decision(client: &Client) -> Result<()> {
    let owned = || standing(client).filter(|(role, ..)| role == "owner");
    let (_, first, _) = wait_for("an owner", owned)?;
    wait_for("a decision", || standing(client).filter(|(_, epoch, _)| *epoch > first))?;
    Ok(())
}

/// Adds what the histogram of checkpoints says to the mean.
fn note_checkpoints(client: &Client, result: &mut Recovery) {
    let text = client.text("/metrics").unwrap_or_default();
    let figure = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_default()
    };
    let (sum, count) = (
        figure("omnifold_checkpoint_seconds_sum"),
        figure("omnifold_checkpoint_seconds_count") as u64,
    );
    let before = result.checkpoint_seconds * result.checkpoints as f64;
    result.checkpoints += count;
    if result.checkpoints > 0 {
        result.checkpoint_seconds = (before + sum) / result.checkpoints as f64;
    }
}
