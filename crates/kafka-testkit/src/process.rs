//! The broker's process, and the guard that ends it when this process is gone.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Starts "$@" with its output in `$2/broker.log`, prints its process id, waits until standard
/// input closes or says a word, kills it, and removes the folder unless that word, or without one
/// the first argument, was `keep`.
const GUARD: &str = r#"
default=$1 folder=$2
shift 2
"$@" </dev/null >>"$folder/broker.log" 2>&1 &
pid=$!
echo "$pid"
exec >/dev/null
read -r word
kill -9 "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
[ "${word:-$default}" = keep ] || rm -rf -- "$folder"
"#;

/// A running broker. Dropping it kills the broker and, unless it is to be kept, removes its folder.
#[derive(Debug)]
pub(crate) struct Guarded {
    guard: Child,
    pipe: Option<ChildStdin>,
    pid: u32,
}

impl Guarded {
    /// Runs a command under guard. The guard is in a process group of its own, so that an
    /// interrupt typed at a terminal reaches it only through the pipe.
    pub(crate) fn spawn(
        folder: &Path,
        keep_folder: bool,
        command: &[OsString],
    ) -> std::io::Result<Guarded> {
        let at_end = if keep_folder { "keep" } else { "remove" };
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "sh", at_end])
            .arg(folder)
            .args(command)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipe = guard.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = guard.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let pid = line.trim().parse().map_err(|_| {
            std::io::Error::other(format!("the guard did not name a process id but `{line}`"))
        })?;
        Ok(Guarded { guard, pipe, pid })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the broker itself still runs (it may have ended while the guard waits).
    pub(crate) fn alive(&self) -> bool {
        status_letter(self.pid).is_some_and(|letter| letter != 'Z')
    }

    /// SIGKILL, then waits until it is gone. The folder stays.
    pub(crate) fn kill_keeping_folder(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"keep\n");
        }
        let _ = self.guard.wait();
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) -> std::io::Result<()> {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.pid.to_string()).status()?;
        if status.success() {
            return Ok(());
        }
        Err(std::io::Error::other(format!("kill -{name} {}: {status}", self.pid)))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.guard.wait();
    }
}

/// The state letter of /proc/PID/stat; it follows the name, which may hold spaces.
fn status_letter(pid: u32) -> Option<char> {
    after_name(pid)?.chars().next()
}

/// CPU time of a process so far, user and system, seconds; `None` where it is gone.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    // Fields 14 and 15 of proc(5) stat, counted in ticks of 1/100 s on Linux.
    let stat = after_name(pid)?;
    let mut fields = stat.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

fn after_name(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.trim_start().to_owned())
}
