//! Rebuild and verification: the log folded again from nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use omnifold_log::Log;
use omnifold_state::{MemoryBackend, RocksBackend, scan};
use serde::Serialize;

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::mark::{Mark, Position, Standing};
use crate::market::{chain, open_backend};
use crate::options::{Options, StateAt};
use crate::recorded::Tail;
use crate::run::{Progress, progress_of};

/// What a rebuild did.
#[derive(Debug, Clone, Serialize)]
pub struct RebuildReport {
    /// Where the rebuilt state stands.
    pub position: Standing,
    /// Marks folded, each compared in every figure.
    pub marks: u64,
    /// Input records folded.
    pub records: u64,
    /// Decisions folded.
    pub decisions: u64,
    /// Time it took.
    pub seconds: f64,
    /// Input records and decisions folded a second.
    pub events_per_second: f64,
}

/// What a verification found.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// Where the verification got to.
    pub position: Standing,
    /// Marks that held in every figure.
    pub marks: u64,
    /// Input records folded.
    pub records: u64,
    /// Decisions taken again and compared byte for byte.
    pub decisions: u64,
    /// Broken promises, with their ids.
    pub violations: Vec<String>,
    /// Time it took.
    pub seconds: f64,
    /// Whether everything held.
    pub ok: bool,
}

/// What a scan of the stored rows found.
#[derive(Debug, Clone, Serialize)]
pub struct StateReport {
    /// Where the stored state stands.
    pub position: Standing,
    /// Rows read.
    pub rows: u64,
    /// The digest that the last mark names.
    pub digest_marked: String,
    /// The digest that the rows add up to.
    pub digest_scanned: String,
    /// Broken promises, with their ids.
    pub violations: Vec<String>,
    /// Whether everything held.
    pub ok: bool,
}

const PROGRESS_EVERY: std::time::Duration = std::time::Duration::from_millis(200);

/// Folds the log from nothing into a new state folder beside the old one, and puts it in the old
/// one's place when every mark held. Until then the old one stays as it is.
pub fn rebuild(
    log: Arc<dyn Log>,
    market: &str,
    options: Options,
    progress: &mut dyn FnMut(&Progress),
) -> Result<RebuildReport, ProjectorError> {
    let StateAt::Folder(folder) = &options.state else {
        let memory: Arc<dyn omnifold_state::Backend> = Arc::new(MemoryBackend::default());
        return fold_again(&log, market, &options, memory, progress);
    };
    let (old, new) = (folder.join(market), folder.join(format!("{market}.rebuilding")));
    remove(&new)?;
    let backend = Arc::new(RocksBackend::open(&new)?);
    let report = fold_again(&log, market, &options, backend.clone(), progress)?;
    drop(backend);
    remove(&old)?;
    std::fs::rename(&new, &old).map_err(|error| folder_fault("replacing", &old, &error))?;
    Ok(report)
}

fn remove(folder: &Path) -> Result<(), ProjectorError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(folder_fault("removing", folder, &error))
        }
        _ => Ok(()),
    }
}

fn folder_fault(what: &'static str, folder: &Path, error: &std::io::Error) -> ProjectorError {
    ProjectorError::State(omnifold_state::StateError::Io {
        what,
        place: PathBuf::from(folder).display().to_string(),
        detail: error.to_string(),
    })
}

fn fold_again(
    log: &Arc<dyn Log>,
    market: &str,
    options: &Options,
    backend: Arc<dyn omnifold_state::Backend>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<RebuildReport, ProjectorError> {
    let began = Instant::now();
    let mut follower = Follower::open(log, market, options, backend)?;
    let marks = follow_all(&mut follower, How::Follow, progress)?;
    follower.checkpoint_now()?;
    let seconds = began.elapsed().as_secs_f64();
    let tally = &follower.machine.tally;
    Ok(RebuildReport {
        position: Standing::of(&follower.head.body),
        marks,
        records: tally.records,
        decisions: tally.decisions,
        seconds,
        events_per_second: (tally.records + tally.decisions) as f64 / seconds.max(1e-9),
    })
}

fn follow_all(
    follower: &mut Follower,
    how: How,
    progress: &mut dyn FnMut(&Progress),
) -> Result<u64, ProjectorError> {
    let (mut marks, mut shown) = (0, Instant::now());
    while follower.follow_one(how, Tail::Settled)? {
        marks += 1;
        if shown.elapsed() >= PROGRESS_EVERY {
            shown = Instant::now();
            progress(&progress_of(follower));
        }
    }
    Ok(marks)
}

/// Folds the log from nothing into a second store, takes every decision again, compares at every
/// mark, and evaluates every invariant at the end.
pub fn verify(
    log: Arc<dyn Log>,
    market: &str,
    options: Options,
    progress: &mut dyn FnMut(&Progress),
) -> Result<VerifyReport, ProjectorError> {
    let began = Instant::now();
    let scratch = ScratchFolder::beside(&options, market)?;
    let backend: Arc<dyn omnifold_state::Backend> = match &scratch {
        None => Arc::new(MemoryBackend::default()),
        Some(folder) => Arc::new(RocksBackend::open(&folder.0)?),
    };
    let mut follower = Follower::open(&log, market, &options, backend)?;
    let mut violations = Vec::new();
    let mut marks = 0;
    match follow_all(&mut follower, How::Verify, progress) {
        Ok(all) => marks = all,
        Err(error @ (ProjectorError::Mismatch { .. } | ProjectorError::Halt { .. })) => {
            violations.push(chain(&error));
        }
        Err(error) => return Err(error),
    }
    if violations.is_empty() {
        violations.extend(invariants_of(&mut follower)?);
    }
    let tally = &follower.machine.tally;
    Ok(VerifyReport {
        position: Standing::of(&follower.head.body),
        marks,
        records: tally.records,
        decisions: tally.decisions,
        ok: violations.is_empty(),
        violations,
        seconds: began.elapsed().as_secs_f64(),
    })
}

fn invariants_of(follower: &mut Follower) -> Result<Vec<String>, ProjectorError> {
    let report = scan_state(follower)?;
    let mut violations = report.violations;
    if !follower.machine.i3_ids_are_complete() {
        violations.push("I3: remembered ids and events that took effect differ in number".into());
    }
    Ok(violations)
}

/// Checkpoints, then scans what is stored.
pub(crate) fn scan_state(follower: &mut Follower) -> Result<StateReport, ProjectorError> {
    follower.checkpoint_now()?;
    report_of(&**follower.machine.store.backend(), &follower.head)
}

fn report_of(
    backend: &dyn omnifold_state::Backend,
    head: &Mark,
) -> Result<StateReport, ProjectorError> {
    let scanned = scan(backend)?;
    let position = Standing::of(&head.body);
    let mut violations: Vec<String> = scanned.violations.iter().map(ToString::to_string).collect();
    let digest_scanned = scanned.digest.to_string();
    if digest_scanned != position.digest {
        violations.push(format!(
            "I4: the stored rows add up to {digest_scanned}, the mark says {}",
            position.digest
        ));
    }
    Ok(StateReport {
        rows: scanned.rows,
        digest_marked: position.digest.clone(),
        digest_scanned,
        ok: violations.is_empty(),
        violations,
        position,
    })
}

/// Scans a market's stored rows while no instance runs on them.
pub fn verify_state(market: &str, options: &Options) -> Result<StateReport, ProjectorError> {
    let backend = open_backend(market, options)?;
    let store = omnifold_state::Store::open(backend.clone(), options.cache_bytes)?;
    let unreadable = |detail: String| ProjectorError::Unreadable {
        market: market.to_owned(),
        what: "the stored position",
        detail,
    };
    let head = match store.stored_position()? {
        None => Mark::genesis(market),
        Some(bytes) => {
            Position::decode(&bytes).and_then(|position| position.mark()).map_err(unreadable)?
        }
    };
    report_of(&*backend, &head)
}

/// A folder for the second store, removed at the end.
struct ScratchFolder(PathBuf);

impl ScratchFolder {
    fn beside(options: &Options, market: &str) -> Result<Option<Self>, ProjectorError> {
        let StateAt::Folder(folder) = &options.state else { return Ok(None) };
        let scratch = folder.join(format!("{market}.verifying.{}", std::process::id()));
        remove(&scratch)?;
        Ok(Some(ScratchFolder(scratch)))
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
