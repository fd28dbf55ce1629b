//! Progress on standard error, where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use omnifold_projector::Progress;

use crate::output::{Output, thousands};

/// A line that tells how far long work is. Nothing is shown where standard error is no terminal,
/// or under `--quiet`.
pub struct Line {
    bar: ProgressBar,
}

impl Line {
    /// A line for work of unknown length.
    pub fn new(output: &Output, what: &str) -> Line {
        let bar = ProgressBar::no_length();
        bar.set_draw_target(target(output));
        let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {msg}");
        bar.set_style(style.expect("a fixed template"));
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Line { bar }
    }

    /// A line with a bar, for work of known length.
    pub fn of(output: &Output, what: &str, length: u64) -> Line {
        let bar = ProgressBar::new(length);
        bar.set_draw_target(target(output));
        let template = "{prefix} {bar:30} {human_pos} of {human_len}, {per_sec}, {eta} left {msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("a fixed template"));
        bar.set_prefix(what.to_owned());
        Line { bar }
    }

    /// Says how far it is.
    pub fn say(&self, text: String) {
        self.bar.set_message(text);
    }

    /// Moves the bar.
    pub fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Moves a bar whose length was not known before.
    pub fn at_of(&self, position: u64, length: u64) {
        self.bar.set_length(length);
        self.bar.set_position(position);
    }

    /// Says how far the engine is.
    pub fn engine(&self, progress: &Progress) {
        self.say(format!(
            "{}: {} records, {} orders, {} decisions, {} behind",
            progress.market,
            thousands(progress.records),
            thousands(progress.orders),
            thousands(progress.decisions),
            thousands(progress.lag),
        ));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn target(output: &Output) -> ProgressDrawTarget {
    match output.is_quiet() {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    }
}
