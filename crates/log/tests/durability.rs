//! Appends share syncs, survive a killed process, and end at the first failed write.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{ORDERS, STOCK, append_to_both, create, names, noise, open, texts};
use omnifold_log::Log;
use omnifold_log::embedded::{EmbeddedLog, EmbeddedOptions};

/// Names the folder for a child process of these tests.
const CHILD_FOLDER: &str = "OMNIFOLD_TEST_LOG_FOLDER";

#[test]
fn appends_of_many_threads_share_syncs() {
    const THREADS: usize = 16;
    const APPENDS: usize = 40;
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    let before = log.stats();
    let producer = log.producer().expect("a producer");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let producer = &producer;
            scope.spawn(move || {
                for n in 0..APPENDS {
                    let text = format!("{thread}/{n}");
                    let batch = common::batch([(0, text.as_str())]);
                    producer.append(&names(), &batch).expect("appended");
                }
            });
        }
    });
    let after = log.stats();
    let (appends, syncs) = (after.appends - before.appends, after.syncs - before.syncs);
    assert_eq!(appends, (THREADS * APPENDS) as u64);
    assert!(syncs < appends / 2, "{syncs} syncs for {appends} appends");
    assert_eq!(texts(log.as_ref(), ORDERS).len(), THREADS * APPENDS);
}

/// This test binary, started again to run one ignored test in the folder.
fn child(test: &str, dir: &Path) -> Command {
    let mut child = Command::new(std::env::current_exe().expect("this test"));
    child.args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(CHILD_FOLDER, dir).stdout(Stdio::piped()).stderr(Stdio::null());
    child
}

/// The log of the parent's folder; `None` where there is no parent.
fn childs_log(write_buffer_bytes: usize) -> Option<std::sync::Arc<EmbeddedLog>> {
    let dir = std::env::var_os(CHILD_FOLDER)?;
    let options = EmbeddedOptions { write_buffer_bytes, ..EmbeddedOptions::default() };
    let log = EmbeddedLog::open_with(Path::new(&dir), &options).expect("the log opens");
    create(&log);
    Some(log)
}

#[test]
#[ignore = "run as a child process by `what_was_acknowledged_survives_a_killed_process`"]
fn child_that_appends_until_it_is_killed() {
    // Small, so that a killed process was also writing tables and blobs, and changing files.
    let Some(log) = childs_log(256 << 10) else { return };
    let round = texts(log.as_ref(), ORDERS).len();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let log = &log;
            scope.spawn(move || {
                for n in 0.. {
                    let text = format!(
                        "{round}-{writer}:{n}:{}",
                        noise(n, 50 + (n as usize * 977) % 9000)
                    );
                    append_to_both(log.as_ref(), &text).expect("appended");
                    println!("acknowledged {round}-{writer}:{n}");
                }
            });
        }
    });
}

/// Highest number of each writer.
type Written = BTreeMap<String, u64>;

/// Rounds of killing; more by `OMNIFOLD_TEST_KILL_ROUNDS`.
fn rounds() -> u64 {
    std::env::var("OMNIFOLD_TEST_KILL_ROUNDS")
        .map_or(10, |rounds| rounds.parse().expect("a number"))
}

#[test]
fn what_was_acknowledged_survives_a_killed_process() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Written::new();
    for round in 0..rounds() {
        // Every other child is killed early: while it opens the log, or soon after.
        let mercy = Duration::from_millis(5 + round * 37 % 240);
        run_until_killed(dir.path(), mercy, round % 2 == 0, &mut acknowledged);
        let log = open(dir.path());
        let (orders, stock) = (texts(log.as_ref(), ORDERS), texts(log.as_ref(), STOCK));
        assert_eq!(orders, stock, "an append is in both topics or in none");
        let found = check_runs(&orders);
        for (writer, number) in &acknowledged {
            let have = found.get(writer);
            assert!(have >= Some(number), "{writer}: {number} was acknowledged, found {have:?}");
        }
        log.verify().expect("every record is good");
    }
    assert!(acknowledged.len() as u64 >= rounds(), "too few writers: {acknowledged:?}");
}

/// Starts a child, notes what it acknowledges, and kills it some time after it was started, or
/// after its first append.
fn run_until_killed(dir: &Path, mercy: Duration, writes: bool, acknowledged: &mut Written) {
    let mut child = child("child_that_appends_until_it_is_killed", dir).spawn().expect("a child");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    if writes {
        let mut said = lines.by_ref().map(|line| line.expect("a line"));
        let first = said.find(|line| line.contains("acknowledged ")).expect("the child appends");
        note_line(acknowledged, &first);
    }
    std::thread::sleep(mercy);
    child.kill().expect("killed");
    // A line that was cut by the kill does not count.
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let whole = rest.iter().take(rest.len().saturating_sub(1));
    whole.for_each(|line| note_line(acknowledged, line));
    child.wait().expect("ended");
}

fn note_line(acknowledged: &mut Written, line: &str) {
    if let Some((_, entry)) = line.split_once("acknowledged ") {
        let (writer, number) = entry.split_once(':').expect("writer and number");
        acknowledged.insert(writer.to_owned(), number.parse().expect("a number"));
    }
}

/// Each writer's numbers must run from 0 without gaps or repeats; gives the highest of each.
fn check_runs(texts: &[String]) -> Written {
    let mut next = BTreeMap::<&str, u64>::new();
    for text in texts {
        let mut parts = text.split(':');
        let writer = parts.next().expect("a writer");
        let number: u64 = parts.next().expect("a number").parse().expect("a number");
        let expected = next.entry(writer).or_default();
        assert_eq!(number, *expected, "{writer}");
        *expected += 1;
    }
    next.into_iter().map(|(writer, next)| (writer.to_owned(), next - 1)).collect()
}

#[test]
#[ignore = "run as a child process by `fill`"]
fn child_that_appends_until_the_disk_is_full() {
    let Some(log) = childs_log(4 << 20) else { return };
    let value = noise(1, 100_000);
    for n in 0..200 {
        match append_to_both(log.as_ref(), &format!("w:{n}:{value}")) {
            Ok(()) => println!("acknowledged w:{n}"),
            Err(error) => {
                println!("first {error:?}");
                break;
            }
        }
    }
    println!("then {:?}", append_to_both(log.as_ref(), "void").expect_err("no more"));
    println!("owner {:?}", log.owner("m").err().expect("no more"));
    println!("readable {}", texts(log.as_ref(), ORDERS).len());
}

/// Where a file cannot grow, the write fails in the same place as on a full disk.
#[test]
fn a_file_that_cannot_grow_loses_nothing_and_ends_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let plain = child(FILLING_CHILD, dir.path());
    let mut limited = Command::new("sh");
    // 4,000 blocks of 512 bytes, or of 1,024 by some shells. The signal is ignored so that the
    // write fails instead.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4000; exec \"$0\" \"$@\""]);
    limited.arg(plain.get_program()).args(plain.get_args()).env(CHILD_FOLDER, dir.path());
    let acknowledged = fill(limited);
    check_after_filling(dir.path(), acknowledged);
}

/// A file system of 24 MiB in memory, unmounted in the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` without the right to mount one.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(dir.path());
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then(|| Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_and_ends_the_log() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: no right to mount a small file system");
        return;
    };
    let dir = disk.0.path().join("log");
    let acknowledged = fill(child(FILLING_CHILD, &dir));
    // The disk is still full, and opening must write: it fails with a reason or works, and never
    // loses anything.
    if let Err(error) = EmbeddedLog::open(&dir) {
        assert!(error.to_string().contains("No space left"), "{error}");
    }
    let larger = ["-o", "remount,size=64m"];
    let status = Command::new("mount").args(larger).arg(disk.0.path()).status();
    assert!(status.expect("mount runs").success());
    check_after_filling(&dir, acknowledged);
}

const FILLING_CHILD: &str = "child_that_appends_until_the_disk_is_full";

/// Runs a child until it can write no more; gives the number of appends it had acknowledged.
fn fill(mut child: Command) -> usize {
    let output = child.output().expect("a child");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let line = |word: &str| said.lines().find_map(|line| line.strip_prefix(word)).expect(word);
    assert!(line("first ").starts_with("Unknown"), "{said}");
    assert!(line("then ").starts_with("Unavailable"), "{said}");
    assert!(line("then ").contains("open the log again"), "{said}");
    assert!(line("owner ").starts_with("Unavailable"), "{said}");
    let acknowledged = said.matches("acknowledged ").count();
    assert!(acknowledged > 5, "{said}");
    assert_eq!(line("readable "), acknowledged.to_string());
    acknowledged
}

fn check_after_filling(dir: &Path, acknowledged: usize) {
    let log = open(dir);
    let found = texts(log.as_ref(), ORDERS).len();
    // The one whose outcome was unknown may be there.
    assert!((acknowledged..=acknowledged + 1).contains(&found), "{found} of {acknowledged}");
    assert_eq!(texts(log.as_ref(), STOCK).len(), found);
    append_to_both(log.as_ref(), "space again").expect("the log goes on");
}
