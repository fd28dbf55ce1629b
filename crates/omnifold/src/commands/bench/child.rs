//! This binary as a process of its own.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::MARKET;
use crate::client::Client;

/// A command of this binary on a data folder, with nothing configured but what is said here.
pub fn command(data: &Path, args: &[&str]) -> Result<Command> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    let variables = std::env::vars_os();
    for (name, _) in variables.filter(|(name, _)| name.to_string_lossy().starts_with("OMNIFOLD_")) {
        command.env_remove(name);
    }
    command
        .args(args)
        .args(["--market", MARKET, "--output", "json", "--quiet", "--data"])
        .arg(data.join("data"))
        // No configuration file of the current folder counts either.
        .current_dir(data)
        .env("OMNIFOLD_KEYS", data.join("keys"))
        .env("OMNIFOLD_HTTP__LISTEN", "127.0.0.1:0")
        .env("OMNIFOLD_TRACE__LEVEL", "warn")
        .stdin(Stdio::null());
    Ok(command)
}

/// Runs a command to its end and reads its answer.
pub fn answer(mut command: Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot start this program")?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("the answer of {command:?}"))
}

/// A running command; killed when dropped.
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts it. What it says at its end is short enough to wait in the pipe.
    pub fn start(mut command: Command) -> Result<Running> {
        command.stdout(Stdio::piped());
        Ok(Running { child: command.spawn().context("cannot start this program")? })
    }

    /// Waits for its end and reads its answer.
    pub fn answer(&mut self) -> Result<Value> {
        let status = self.child.wait()?;
        ensure!(status.success(), "the process ended with {status}");
        let mut text = String::new();
        let mut out = self.child.stdout.take().context("the answer was read before")?;
        out.read_to_string(&mut text)?;
        serde_json::from_str(&text).context("the answer of the process")
    }

    /// Ends it by SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until something is there.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if begun.elapsed() > PATIENCE {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The server that works on a data folder, as soon as it answers.
pub fn server_of(data: &Path) -> Result<Client> {
    let file = data.join("data/server.addr");
    wait_for("the server", || {
        let address = std::fs::read_to_string(&file).ok()?;
        let client = Client::new(address.trim());
        client.is_alive().then_some(client)
    })
}

/// Role, epoch and step of the market at a server; nothing where it has none yet.
pub fn standing(client: &Client) -> Option<(String, u64, u64)> {
    let answer = client.get("/v1/markets").ok()?;
    let market = &answer["markets"][0];
    let position = &market["position"];
    let role = market["role"].as_str()?.to_owned();
    Some((role, position["epoch"].as_u64()?, position["step"].as_u64()?))
}
