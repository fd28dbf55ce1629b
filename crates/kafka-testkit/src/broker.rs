//! One broker: start, find, pause, kill, restart.

use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::install::class_path;
use crate::process::{Guarded, cpu_seconds};
use crate::settings::{CLUSTER_ID, LOGGING, server_properties};

/// How long a broker may take to answer; it takes 4 s on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(90);

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The jars are not there.
    #[error("no Kafka in {}: run deploy/kafka/fetch.sh once", home.display())]
    NotInstalled {
        /// Where they were looked for.
        home: PathBuf,
    },
    /// A file or process fault.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended, or did not answer in time.
    #[error("{what}; the end of its log:\n{log}")]
    NotReady {
        /// What was seen.
        what: String,
        /// The last lines it wrote.
        log: String,
    },
}

/// How to start a broker.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// The port clients use; a free one where `None`.
    pub port: Option<u16>,
    /// Keeps the data in this folder instead of a temporary one, which is removed at the end.
    pub data: Option<PathBuf>,
    /// The most heap the JVM may take, MiB.
    pub heap_mib: u32,
    /// Broker settings added to (or overriding) the built-in ones.
    pub settings: Vec<(String, String)>,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        BrokerOptions { port: None, data: None, heap_mib: 512, settings: Vec::new() }
    }
}

/// A running (or killed, to be restarted) broker. Dropping it kills it.
#[derive(Debug)]
pub struct Broker {
    folder: PathBuf,
    port: u16,
    heap_mib: u32,
    keep_folder: bool,
    process: Option<Guarded>,
}

impl Broker {
    /// Starts a broker and waits until it answers.
    ///
    /// # Errors
    /// [`BrokerError::NotInstalled`] where the jars are missing; what went wrong otherwise.
    pub fn start(options: BrokerOptions) -> Result<Broker, BrokerError> {
        let class_path = class_path()?;
        let (folder, keep_folder) = match &options.data {
            Some(folder) => (folder.clone(), true),
            None => (temporary_folder()?, false),
        };
        let port = options.port.unwrap_or_else(free_port);
        prepare(&folder, port, &options.settings, &class_path)?;
        let heap_mib = options.heap_mib;
        let mut broker = Broker { folder, port, heap_mib, keep_folder, process: None };
        broker.launch()?;
        Ok(broker)
    }

    /// `127.0.0.1:PORT`, for `bootstrap.servers`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Process id of the JVM.
    ///
    /// # Panics
    /// Where the broker has been killed and not restarted.
    pub fn pid(&self) -> u32 {
        self.running().pid()
    }

    /// CPU seconds it has used since it was last started.
    ///
    /// # Panics
    /// As [`Broker::pid`].
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.pid()).expect("the broker's process is there")
    }

    /// SIGKILL; returns when it is gone. Its data stays for [`Broker::restart`].
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill_keeping_folder();
        }
    }

    /// Kills it where it still runs, starts it on the same data and port, and waits until it
    /// answers.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn restart(&mut self) -> Result<(), BrokerError> {
        self.kill();
        self.launch()
    }

    /// SIGSTOP: connections stay open, nothing answers.
    ///
    /// # Panics
    /// Where the broker does not run.
    pub fn pause(&self) {
        self.running().signal("STOP").expect("the broker can be stopped");
    }

    /// SIGCONT, after [`Broker::pause`].
    ///
    /// # Panics
    /// As [`Broker::pause`].
    pub fn resume(&self) {
        self.running().signal("CONT").expect("the broker can be continued");
    }

    fn running(&self) -> &Guarded {
        self.process.as_ref().expect("the broker was killed and not restarted")
    }

    fn launch(&mut self) -> Result<(), BrokerError> {
        let command = self.command(&class_path()?);
        let process = Guarded::spawn(&self.folder, self.keep_folder, &command)
            .map_err(io("starting java"))?;
        self.process = Some(process);
        self.wait_until_ready()
    }

    fn command(&self, class_path: &OsString) -> Vec<OsString> {
        let mut logging = OsString::from("-Dlog4j2.configurationFile=");
        logging.push(self.folder.join("log4j2.properties"));
        vec![
            "java".into(),
            format!("-Xmx{}m", self.heap_mib).into(),
            logging,
            "-cp".into(),
            class_path.clone(),
            "kafka.Kafka".into(),
            self.folder.join("server.properties").into(),
        ]
    }

    fn wait_until_ready(&self) -> Result<(), BrokerError> {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if !self.running().alive() {
                return Err(self.not_ready("the Kafka broker ended while starting"));
            }
            if self.answers() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(self.not_ready("the Kafka broker did not answer in time"))
    }

    /// Whether it lists itself: the socket opens a moment before the controller lets it serve.
    fn answers(&self) -> bool {
        if TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            return false;
        }
        let client: Result<BaseConsumer, _> =
            ClientConfig::new().set("bootstrap.servers", self.address()).create();
        client.is_ok_and(|client| {
            client
                .fetch_metadata(None, Duration::from_secs(2))
                .is_ok_and(|metadata| !metadata.brokers().is_empty())
        })
    }

    fn not_ready(&self, what: &str) -> BrokerError {
        let log = std::fs::read_to_string(self.folder.join("broker.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(30)..].join("\n");
        BrokerError::NotReady { what: what.to_owned(), log: tail }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.process.take());
        // The guard removed it, unless the broker had been killed before.
        if !self.keep_folder {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> BrokerError {
    let what = what.to_owned();
    move |source| BrokerError::Io { what, source }
}

fn temporary_folder() -> Result<PathBuf, BrokerError> {
    let folder = tempfile::Builder::new().prefix("omnifold-kafka-").tempdir();
    Ok(folder.map_err(io("making a temporary folder"))?.keep())
}

/// Writes the settings and formats the storage, unless the folder holds a broker's data already.
fn prepare(
    folder: &Path,
    port: u16,
    settings: &[(String, String)],
    class_path: &OsString,
) -> Result<(), BrokerError> {
    let data = folder.join("data");
    std::fs::create_dir_all(folder).map_err(io("making the broker's folder"))?;
    let properties = server_properties(&data, port, free_port(), settings);
    write(&folder.join("server.properties"), &properties)?;
    write(&folder.join("log4j2.properties"), LOGGING)?;
    if data.join("meta.properties").exists() {
        return Ok(());
    }
    format_storage(folder, class_path)
}

fn format_storage(folder: &Path, class_path: &OsString) -> Result<(), BrokerError> {
    let output = Command::new("java")
        .arg("-cp")
        .arg(class_path)
        .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
        .arg(folder.join("server.properties"))
        .output()
        .map_err(io("running java"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(BrokerError::NotReady {
        what: "the broker's storage could not be formatted".to_owned(),
        log: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn write(path: &Path, text: &str) -> Result<(), BrokerError> {
    std::fs::write(path, text).map_err(io(&format!("writing {}", path.display())))
}

/// A port nobody listens on, below the range from which the system gives out ports of outgoing
/// connections: a broker restarted on the same port must find it free.
fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time start looking at different places.
    let start = (std::process::id().wrapping_mul(37) % u32::from(COUNT)) as u16;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start + step % COUNT) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
