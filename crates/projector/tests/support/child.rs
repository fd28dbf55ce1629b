//! A process of its own for what is to be killed: this test's program, run again for one hidden
//! test. It tells where it is through a small file, which survives SIGKILL.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Place;

/// Starts the hidden test `name` of this program as a process, with these variables.
pub fn spawn(name: &str, place: &Place, variables: &[(&str, String)], output: &Path) -> Child {
    let program = std::env::current_exe().expect("this program has a path");
    let output = File::options().create(true).append(true).open(output).expect("a file for output");
    let mut command = Command::new(program);
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    match place {
        Place::Embedded(folder) => command.env("CHILD_FOLDER", folder),
        Place::Kafka { brokers, prefix } => {
            command.env("CHILD_BROKERS", brokers).env("CHILD_PREFIX", prefix)
        }
    };
    command
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle"))
        .stderr(output);
    command.spawn().expect("a child starts")
}

/// In the child: where its log is. `None` where the hidden test was run by hand.
pub fn place() -> Option<Place> {
    if let Some(folder) = std::env::var_os("CHILD_FOLDER") {
        return Some(Place::Embedded(folder.into()));
    }
    let (brokers, prefix) = (variable("CHILD_BROKERS")?, variable("CHILD_PREFIX")?);
    Some(Place::Kafka { brokers, prefix })
}

/// In the child: a variable.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// In the child: a number.
pub fn number(name: &str) -> u64 {
    variable(name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} is missing"))
}

/// Sends a signal to a process that this test started.
pub fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).expect("the child can be signalled");
}

/// Nothing after this line of the caller happens.
pub fn kill_myself() -> ! {
    let me = rustix::process::getpid();
    rustix::process::kill_process(me, rustix::process::Signal::KILL).expect("it is my own process");
    loop {
        std::thread::park();
    }
}

/// Nanoseconds since 1970, to compare times of two processes.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_nanos()).expect("a year before 2554")
}

/// Numbers that a child leaves behind for its parent, however it ends.
pub struct Notes(File);

impl Notes {
    pub fn at(path: &Path) -> Notes {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path);
        Notes(file.expect("a file for notes"))
    }

    pub fn write(&self, place: u64, value: u64) {
        self.0.write_all_at(&value.to_le_bytes(), place * 8).expect("a note is written");
    }

    /// 0 where nothing was written.
    pub fn read(&self, place: u64) -> u64 {
        let mut bytes = [0; 8];
        match self.0.read_exact_at(&mut bytes, place * 8) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => 0,
        }
    }
}
