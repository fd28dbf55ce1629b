//! Prices that are solved again: on a schedule, as stock drifts, and when another policy rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use omnifold_domain::View;
use omnifold_pricing::Scarce;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::report::Because;
use super::solve::{Ask, Solved, now_ms};
use super::{MINUTE_MS, Prices, Source, span};
use crate::exit::Exit;

/// How long a signal may wait.
const LOOK: Duration = Duration::from_millis(200);

/// When the next solve is due.
struct Next {
    every_ms: i64,
    drift: f64,
    last: Option<Last>,
}

/// Where prices were solved last.
struct Last {
    at_ms: i64,
    scarce: Scarce,
    /// Of the policy that ruled.
    policy: Option<String>,
}

impl Prices {
    pub(super) fn watch(&self, source: &mut Source<'_>, ask: &Ask) -> Result<Exit> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, stop.clone())
                .context("cannot watch for signals")?;
        }
        let every_ms = span(self.every_minutes.expect("it was asked to stay"), MINUTE_MS);
        let mut next = Next { every_ms, drift: self.drift_percent / 100.0, last: None };
        let mut solves = 0;
        while !stop.load(Ordering::Relaxed) {
            source.catch_up()?;
            let (due, _) = source.reading.read(|view, clock_ms| next.due(view, clock_ms));
            let Some(why) = due else {
                source.reading.wait(LOOK)?;
                continue;
            };
            let solved = self.solve(source, ask, why)?;
            source.reading.read(|view, _| next.solved(view, &solved));
            solves += 1;
            if self.times.is_some_and(|times| solves >= times) {
                break;
            }
        }
        Ok(Exit::Done)
    }
}

impl Next {
    /// Whether it is due, why, and how far what was scarce has drifted.
    fn due(&self, view: &mut dyn View, clock_ms: i64) -> Option<(Because, f64)> {
        // A market that nobody has configured has nothing to price.
        view.settings()?;
        let Some(last) = &self.last else { return Some((Because::Asked, 0.0)) };
        let drift = last.scarce.drift(view);
        let because = if last.policy != policy_of(view) {
            Because::Policy
        } else if drift >= self.drift {
            Because::Drift
        } else if now_ms(view, clock_ms) - last.at_ms >= self.every_ms {
            Because::Time
        } else {
            return None;
        };
        Some((because, drift))
    }

    fn solved(&mut self, view: &mut dyn View, solved: &Solved) {
        let scarce = Scarce::of(&solved.found);
        self.last = Some(Last { at_ms: solved.now_ms, scarce, policy: policy_of(view) });
    }
}

fn policy_of(view: &dyn View) -> Option<String> {
    Some(view.settings()?.policy.as_deref()?.hash.clone())
}
