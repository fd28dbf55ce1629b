//! Runs the binary in a folder of its own, with nothing of this machine's configuration.
#![allow(dead_code)] // each test file uses a part

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A home and current folder for the binary.
pub struct Home {
    folder: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// It ended well.
    pub fn done(&self) {
        assert_eq!(self.code, 0, "{self:?}");
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Home {
    /// An empty one.
    pub fn new() -> Home {
        Home { folder: tempfile::tempdir().expect("a folder") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file; returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// The command, ready to run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_omnifold"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OMNIFOLD_")) {
            command.env_remove(name);
        }
        command
            .args(args)
            .current_dir(self.path())
            .env("HOME", self.path())
            .env_remove("XDG_DATA_HOME")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(&[], args)
    }

    /// Runs a command with variables.
    pub fn run_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Ran {
        let output = self.command(args).envs(variables.iter().copied()).output();
        let output = output.expect("the binary starts");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts `serve` on a folder beneath this one, on a free port, and waits until it answers.
    pub fn serve(&self, data: &str, args: &[&str]) -> Serving {
        let all: Vec<&str> = ["serve", "--data", data].iter().chain(args).copied().collect();
        let mut command = self.command(&all);
        command.env("OMNIFOLD_HTTP__LISTEN", "127.0.0.1:0").stderr(Stdio::piped());
        let child = command.spawn().expect("the binary starts");
        let mut serving = Serving { child, address: self.path().join(data).join("server.addr") };
        serving.wait_until_it_answers();
        serving
    }
}

/// A running `serve`; killed when dropped.
pub struct Serving {
    child: Child,
    address: PathBuf,
}

impl Serving {
    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.address.is_file() {
            assert!(Instant::now() < deadline, "serve does not start");
            assert!(self.child.try_wait().expect("a child").is_none(), "serve ended");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The URL it answers at.
    pub fn url(&self) -> String {
        fs::read_to_string(&self.address).expect("an address").trim().to_owned()
    }

    /// Where it leaves its address.
    pub fn address_file(&self) -> &Path {
        &self.address
    }

    /// Sends SIGTERM and waits for the end. Returns the exit code and how long it took.
    pub fn stop(mut self) -> (Option<i32>, Duration) {
        let begun = Instant::now();
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success());
        let status = self.child.wait().expect("a child");
        (status.code(), begun.elapsed())
    }

    /// Ends it by SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("a child");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A market in which two stores have a SKU each that the other lacks, and one has both.
pub fn scarce_market(orders: usize, promise: Value) -> String {
    let market = json!({"clock":"CLOCK_KIND_EVENTS","currency":"EUR","promise":promise});
    let mut lines = vec![
        json!({"type":"MarketConfigured","data":market}),
        json!({"type":"ItemDefined","data":{"sku":"A"}}),
        json!({"type":"ItemDefined","data":{"sku":"B"}}),
    ];
    for (node, lat) in [("near", 48_000_000), ("far", 52_000_000)] {
        let location = json!({"latE6": lat, "lonE6": 2_000_000});
        lines.push(json!({"type":"NodeDefined","data":{"nodeId":node,"location":location}}));
    }
    for (node, sku, units) in
        [("near", "A", 60), ("near", "B", 40), ("far", "A", 60), ("far", "B", 60)]
    {
        let count = json!({"nodeId":node,"sku":sku,"onHandMilli":(units * 1_000).to_string()});
        lines.push(json!({"type":"StockCounted","data":count}));
    }
    for number in 0..orders {
        let skus: &[&str] = if number % 2 == 0 { &["A", "B"] } else { &["B"] };
        let line = |sku: &&str| json!({"lineId":sku,"sku":sku,"quantityMilli":"1000"});
        let lines_of: Vec<Value> = skus.iter().map(line).collect();
        let to = json!({"country":"FR","postcodeArea":"75","location":{"latE6":48_100_000,"lonE6":2_000_000}});
        let order =
            json!({"channel":"web","orderId":number.to_string(),"lines":lines_of,"destination":to});
        lines.push(json!({"type":"OrderPlaced","data":order}));
    }
    let mut text = String::new();
    for (number, line) in lines.into_iter().enumerate() {
        let (hour, minute) = (6 + number / 60, number % 60);
        let event = json!({
            "specversion": "1.0", "id": format!("e{number}"), "source": "test",
            "type": format!("omnifold.v1.{}", line["type"].as_str().expect("a type")),
            "time": format!("2025-06-02T{hour:02}:{minute:02}:00Z"), "data": line["data"],
        });
        text.push_str(&format!("{event}\n"));
    }
    text
}

/// A market of [`scarce_market`] that promises nothing, published and decided.
pub fn scarce(orders: usize) -> Home {
    scarce_promising(orders, Value::Null)
}

/// The same with rules by which it promises.
pub fn scarce_promising(orders: usize, promise: Value) -> Home {
    let home = Home::new();
    fs::write(home.path().join("scarce.jsonl"), scarce_market(orders, promise)).expect("a file");
    let published = home.run(&["publish", "scarce.jsonl", "--data", "d", "--market", "fr"]);
    assert_eq!(published.code, 0, "{published:?}");
    home.run(&["run", "--until-idle", "--data", "d"]).done();
    home
}
