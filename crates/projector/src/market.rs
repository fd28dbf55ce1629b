//! One market's thread: standby until told to own, owner until told to let go or fenced.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use omnifold_log::{Log, LogError};
use omnifold_state::{Backend, MemoryBackend, RocksBackend};
use serde::Serialize;

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::mark::Standing;
use crate::options::{Options, StateAt};
use crate::owner::{Exit, Order, Owner, Turned};
use crate::recorded::Tail;

/// Something to be done between two slices.
pub(crate) type Visit = Box<dyn FnOnce(&mut Follower) + Send>;

/// What a market's thread is told.
pub(crate) enum Command {
    /// Take the market over.
    Own,
    /// Drain, checkpoint, let go, and say so; go on as standby.
    LetGo(Sender<()>),
    /// Look at the state.
    Visit(Visit),
    /// As `LetGo`, and end.
    Stop,
}

/// What a market does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reading what the checkpoint lacks.
    Starting,
    /// Following another owner.
    Standby,
    /// Deciding.
    Owner,
    /// Stopped by a fault.
    Stopped,
}

/// How a market stands.
#[derive(Debug, Clone, Serialize)]
pub struct MarketStatus {
    /// The market.
    pub market: String,
    /// What it does.
    pub role: Role,
    /// Where its state stands.
    pub position: Option<Standing>,
    /// Input records not taken.
    pub lag_events: u64,
    /// Seconds from the market's clock to its oldest record not taken.
    pub lag_seconds: f64,
    /// Why it stopped.
    pub stopped_because: Option<String>,
}

/// Shared between a market's thread and those who ask.
pub(crate) type SharedStatus = Arc<std::sync::Mutex<MarketStatus>>;

/// Handle of a market's thread.
pub(crate) struct MarketThread {
    pub commands: Sender<Command>,
    pub status: SharedStatus,
    pub thread: std::thread::JoinHandle<Result<(), ProjectorError>>,
}

impl MarketThread {
    pub(crate) fn start(log: Arc<dyn Log>, market: &str, options: &Options) -> Self {
        let (commands, inbox) = unbounded();
        let status = Arc::new(std::sync::Mutex::new(MarketStatus {
            market: market.to_owned(),
            role: Role::Starting,
            position: None,
            lag_events: 0,
            lag_seconds: 0.0,
            stopped_because: None,
        }));
        let worker = Worker {
            log,
            market: market.to_owned(),
            options: options.clone(),
            inbox,
            status: status.clone(),
            owning: false,
            letting_go: Vec::new(),
            stopping: false,
        };
        let thread = std::thread::Builder::new()
            .name(format!("market {market}"))
            .spawn(move || worker.run())
            .expect("a thread can be started");
        MarketThread { commands, status, thread }
    }
}

/// Opens the backend that the options name for a market.
pub(crate) fn open_backend(
    market: &str,
    options: &Options,
) -> Result<Arc<dyn Backend>, ProjectorError> {
    Ok(match &options.state {
        StateAt::Memory => Arc::new(MemoryBackend::default()),
        StateAt::Folder(folder) => Arc::new(RocksBackend::open(&folder.join(market))?),
    })
}

struct Worker {
    log: Arc<dyn Log>,
    market: String,
    options: Options,
    inbox: Receiver<Command>,
    status: SharedStatus,
    owning: bool,
    /// Who waits for the market to be let go.
    letting_go: Vec<Sender<()>>,
    stopping: bool,
}

/// How long a standby waits for more of the journal before it looks around.
const STANDBY_WAIT: Duration = Duration::from_millis(50);
/// First pause before taking over again, doubled up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);

impl Worker {
    fn run(mut self) -> Result<(), ProjectorError> {
        // A panic is a fault of this build; it stops this market, says so, and spares the others.
        let result = catch_unwind(AssertUnwindSafe(|| self.work()))
            .unwrap_or_else(|_| Err(ProjectorError::Died { market: self.market.clone() }));
        self.owning = false;
        for waiting in self.letting_go.drain(..) {
            let _ = waiting.send(());
        }
        if let Err(error) = &result {
            let text = chain(error);
            tracing::error!(market = self.market, error = text, "the market stopped");
            let mut status = self.status.lock().expect("no panic holds it");
            status.role = Role::Stopped;
            status.stopped_because = Some(text);
            drop(status);
            self.refuse_commands();
        }
        result
    }

    /// A stopped market still answers whoever waits for it to let go.
    fn refuse_commands(&self) {
        for command in &self.inbox {
            match command {
                Command::LetGo(done) => drop(done.send(())),
                Command::Stop => return,
                Command::Own | Command::Visit(_) => {}
            }
        }
    }

    fn work(&mut self) -> Result<(), ProjectorError> {
        let backend = open_backend(&self.market, &self.options)?;
        let mut pause = FIRST_PAUSE;
        while !self.stopping {
            let began = Instant::now();
            let trouble = match self.serve(&backend) {
                Err(error) if error.is_outage() => Some(chain(&error)),
                served => served?,
            };
            if trouble.is_none() || began.elapsed() > LAST_PAUSE {
                pause = FIRST_PAUSE;
            }
            if let Some(error) = trouble {
                tracing::warn!(market = self.market, error, "taking over again");
                self.status.lock().expect("no panic holds it").role = Role::Starting;
                std::thread::sleep(pause);
                pause = (pause * 2).min(LAST_PAUSE);
                self.obey(None);
            }
            self.answer_let_go();
        }
        Ok(())
    }

    /// Stands by, then owns, until told otherwise. Returns why the market must be taken over again.
    fn serve(&mut self, backend: &Arc<dyn Backend>) -> Result<Option<String>, ProjectorError> {
        let mut follower = Follower::open(&self.log, &self.market, &self.options, backend.clone())?;
        self.stand_by(&mut follower)?;
        if self.stopping {
            follower.checkpoint_now()?;
            return Ok(None);
        }
        match self.own(&mut follower)? {
            Exit::Stopped => Ok(None),
            Exit::TakeOver(error) => {
                // A checkpoint under way is of acknowledged epochs, and the folder is shared.
                follower.checkpointer.wait(&mut follower.machine.store)?;
                Ok(Some(chain(&error)))
            }
        }
    }

    fn answer_let_go(&mut self) {
        if !self.owning {
            for waiting in self.letting_go.drain(..) {
                let _ = waiting.send(());
            }
        }
    }

    /// Follows the journal until told to own or to stop.
    fn stand_by(&mut self, follower: &mut Follower) -> Result<(), ProjectorError> {
        loop {
            while follower.follow_one(How::Follow, Tail::Growing)? {
                self.obey(Some(follower));
                if self.stopping {
                    return Ok(());
                }
            }
            let role = if self.owning { Role::Starting } else { Role::Standby };
            self.show(follower, role);
            self.obey(Some(follower));
            if self.owning || self.stopping {
                return Ok(());
            }
            self.answer_let_go();
            follower.wait(STANDBY_WAIT)?;
        }
    }

    /// Takes over: fence first, then read the journal to its end, then decide.
    fn own(&mut self, follower: &mut Follower) -> Result<Exit, ProjectorError> {
        let appender = match self.log.owner(&self.market) {
            Ok(appender) => appender,
            Err(error @ (LogError::Unavailable { .. } | LogError::Fenced { .. })) => {
                return Ok(Exit::TakeOver(error));
            }
            Err(error) => return Err(error.into()),
        };
        follower.catch_up(How::Follow, Tail::Settled)?;
        let options = self.options.clone();
        let owner = match Owner::take_over(follower, appender, &options)? {
            Ok(owner) => owner,
            Err(exit) => return Ok(exit),
        };
        owner.run(&mut |turned: Turned<'_>| {
            self.obey(Some(turned.follower));
            self.show(turned.follower, Role::Owner);
            if self.owning && !self.stopping { Order::GoOn } else { Order::Drain }
        })
    }

    /// Without a follower nobody can look at the state: a visit gets no answer.
    fn obey(&mut self, mut follower: Option<&mut Follower>) {
        while let Ok(command) = self.inbox.try_recv() {
            match command {
                Command::Own => self.owning = true,
                Command::LetGo(done) => {
                    self.owning = false;
                    self.letting_go.push(done);
                }
                Command::Visit(visit) => {
                    if let Some(follower) = follower.as_deref_mut() {
                        visit(follower);
                    }
                }
                Command::Stop => {
                    self.owning = false;
                    self.stopping = true;
                }
            }
        }
    }

    fn show(&self, follower: &Follower, role: Role) {
        let mut status = self.status.lock().expect("no panic holds it");
        status.role = role;
        let lag_ms = follower
            .gatherer
            .oldest_ms()
            .map_or(0, |oldest| (oldest - follower.machine.clock_ms).max(0));
        status.lag_events = follower.gatherer.lag();
        status.lag_seconds = lag_ms as f64 / 1e3;
        if status.position.as_ref().is_none_or(|p| p.epoch != follower.head.body.epoch) {
            status.position = Some(Standing::of(&follower.head.body));
        }
    }
}

/// An error and its sources in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Runs a visit on a market's thread and waits for its answer.
pub(crate) fn visit<T: Send + 'static>(
    commands: &Sender<Command>,
    patience: Duration,
    look: impl FnOnce(&mut Follower) -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = bounded(1);
    let visit: Visit = Box::new(move |follower| {
        let _ = answer.send(look(follower));
    });
    commands.send(Command::Visit(visit)).ok()?;
    answered.recv_timeout(patience).ok()
}
