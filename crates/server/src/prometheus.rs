//! The metrics recorder and its text form.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of every histogram whose name ends in `_seconds`.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// How often old samples are folded together.
const UPKEEP: Duration = Duration::from_secs(5);

/// What `/metrics` shows: everything recorded by the `metrics` crate in this process.
#[derive(Clone)]
pub struct Prometheus {
    handle: PrometheusHandle,
}

/// The recorder could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot install the metrics recorder")]
pub struct PrometheusError(#[from] BuildError);

impl Prometheus {
    /// Makes this the recorder of the process. Can be done once.
    ///
    /// # Errors
    /// Where the process has a recorder already.
    pub fn install() -> Result<Self, PrometheusError> {
        Ok(Prometheus { handle: builder()?.install_recorder()? })
    }

    /// A recorder that nothing records into, for tests of routes.
    ///
    /// # Errors
    /// Never with the bounds above.
    pub fn detached() -> Result<Self, PrometheusError> {
        Ok(Prometheus { handle: builder()?.build_recorder().handle() })
    }

    pub(crate) fn render(&self) -> String {
        let mut text = self.handle.render();
        text.push_str(&process_figures());
        text
    }

    pub(crate) async fn keep_up(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.handle.run_upkeep();
        }
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
}

/// Memory of the process, from the kernel; nothing where /proc has no such file.
fn process_figures() -> String {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return String::new() };
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let gauge = |name: &str, field: &str, help: &str| match kibibytes(field) {
        Some(value) => {
            format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {}\n", value * 1_024)
        }
        None => String::new(),
    };
    gauge("process_resident_memory_bytes", "VmRSS:", "Memory in use.")
        + &gauge("process_resident_memory_peak_bytes", "VmHWM:", "Most memory ever in use.")
}
