//! `omnifold serve`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use omnifold_log::Log;
use omnifold_projector::Instance;
use omnifold_server::{Limits, Prometheus, Server};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{info, warn};

use crate::commands::prices;
use crate::commands::topics::create_for;
use crate::context::Context;
use crate::exit::Exit;
use crate::live::LiveMarkets;
use crate::log_figures;

const EXAMPLE: &str = "\
SIGTERM or SIGINT stops it: it takes no more input, ends what is under way, checkpoints, and leaves
within `shutdown_seconds`. A second signal ends it at once; nothing is lost, the next start reads
what the checkpoint lacks from the log.

The address stands in DATA/server.addr while it runs: `show`, `verify`, `publish` and `events tail`
on the same folder find it there and ask.

Example:
  omnifold serve --data ./shop --market de
  omnifold serve --config deploy/omnifold.toml
  curl -s http://127.0.0.1:7171/ready";

/// Runs the engine and the HTTP listener until told to stop.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Serve {}

/// How long after the shutdown bound the process is ended by force.
const GRACE: Duration = Duration::from_secs(2);

impl Serve {
    /// Serves until a signal.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let prometheus = Prometheus::install()?;
        let signals = Signals::new([SIGTERM, SIGINT]).context("cannot watch for signals")?;
        let log = context.open_log()?;
        let markets = context.markets(&log)?;
        for market in &markets {
            create_for(context, &log, market)?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("http")
            .enable_all()
            .build()
            .context("cannot start threads")?;
        let listen = context.config().http.listen;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .with_context(|| format!("cannot listen on {listen} (http.listen)"))?;
        let address = listener.local_addr()?;

        let options = context.options();
        let instance = Instance::start(log.log(), markets.clone(), options.clone())?;
        let live = Arc::new(LiveMarkets::new(log.log(), options, markets.clone(), instance));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new(live.clone(), prometheus, Limits::default());
        let serving = runtime.spawn(server.run(listener, async {
            let _ = stopped.await;
        }));
        if let Some(embedded) = log.embedded() {
            log_figures::watch(&embedded).context("cannot start threads")?;
        }
        if context.config().prices.every_minutes > 0 {
            keep_prices(context, &log.log(), &live, &markets)?;
        }
        let _file = AddressFile::write(context, &format!("http://{address}"))?;
        info!(%address, ?markets, log = log.log().kind(), "serving");

        let within = context.config().shutdown_within();
        wait_for_signal(signals, within);
        let begun = Instant::now();
        if let Some(instance) = live.take() {
            let report = instance.shutdown(within);
            info!(?report, "the engine has stopped");
        }
        let _ = stop.send(());
        let left = within.saturating_sub(begun.elapsed()).max(Duration::from_millis(100));
        let ended = runtime.block_on(async { tokio::time::timeout(left, serving).await });
        if ended.is_err() {
            warn!("requests were cut off at the end of shutdown_seconds");
        }
        runtime.shutdown_background();
        info!(seconds = begun.elapsed().as_secs_f64(), "stopped");
        Ok(Exit::Done)
    }
}

/// How long a market that is another instance's, or whose prices failed, is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// A thread for each market keeps its prices solved while this instance owns it, and ends with the server.
fn keep_prices(
    context: &Context,
    log: &Arc<dyn Log>,
    live: &Arc<LiveMarkets>,
    markets: &[String],
) -> Result<()> {
    let (config, options) = (context.config().prices, context.options());
    for market in markets {
        let (log, options, live) = (log.clone(), options.clone(), live.clone());
        let market = market.clone();
        let keep = move || {
            while !live.is_leaving() {
                if live.owns(&market) {
                    let is_over = || !live.owns(&market);
                    if let Err(error) = prices::keep(&log, &market, (&options, &config), &is_over) {
                        warn!(market, error = format!("{error:#}"), "prices were not solved");
                    }
                }
                thread::sleep(PAUSE);
            }
        };
        thread::Builder::new()
            .name("prices".to_owned())
            .spawn(keep)
            .context("cannot start threads")?;
    }
    Ok(())
}

/// Returns at the first signal. A second one, or the bound of the shutdown, ends the process, at
/// once and without running anything more: what is not checkpointed is in the log.
fn wait_for_signal(mut signals: Signals, within: Duration) {
    let first = signals.forever().next();
    info!(signal = first, "stopping; a second signal ends the process at once");
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            warn!("second signal: ending at once");
            low_level::exit(128 + signal);
        }
    });
    thread::spawn(move || {
        thread::sleep(within + GRACE);
        warn!("not stopped within {} s: ending", within.as_secs());
        low_level::exit(1);
    });
}

/// The address of a running server, for the other commands. Removed when dropped.
struct AddressFile(PathBuf);

impl AddressFile {
    fn write(context: &Context, address: &str) -> Result<AddressFile> {
        let file = context.config().address_file();
        let cannot = || format!("cannot write {}", file.display());
        fs::create_dir_all(&context.config().data).with_context(cannot)?;
        // Renamed into place: a reader sees a whole address or none.
        let partial = file.with_extension("addr.new");
        fs::write(&partial, format!("{address}\n")).with_context(cannot)?;
        fs::rename(&partial, &file).with_context(cannot)?;
        Ok(AddressFile(file))
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
