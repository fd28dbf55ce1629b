//! `omnifold policy diff`: two policies over the same history.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use omnifold_domain::Policy;
use omnifold_simulation::what_if::change::Change;
use omnifold_simulation::what_if::figures::{FIGURES, Figures, Named};
use omnifold_simulation::what_if::limits::Limit;
use serde::Serialize;

use super::label;
use crate::commands::simulate::{Basis, History, Part, Side, figure_cell, load_rows, play, ruling};
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::output::{table, thousands};

pub const EXAMPLE: &str = "\
Replays the recorded demand of a market under either policy, as `omnifold simulate` does, and shows the
figures side by side. Cost is what one cost model makes of both. A limit is about NEW, or about how far
NEW is from OLD: FIGURE<=NUMBER, FIGURE>=NUMBER, change.FIGURE<=NUMBER, change.FIGURE<=NUMBER%. FIGURE is
a name of the JSON, load.NODE for the fulfilments of a node, or `moved` for orders that other nodes
serve. A figure that cannot be had breaks its limit. Exit code 5: a limit is broken.

Example:
  omnifold policy diff deploy/policies/nearest.toml mine.toml --market de
  omnifold policy diff old.toml new.toml --limit 'change.cost_minor<=0%' --limit 'fill_rate_percent>=98'";

/// What is compared.
#[derive(Debug, Args)]
pub struct Diff {
    /// The policy that is
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy that would be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// What NEW must keep to; repeat it for several
    #[arg(long = "limit", value_name = "FIGURE<=NUMBER")]
    limits: Vec<String>,
    #[command(flatten)]
    part: Part,
}

/// The comparison.
#[derive(Serialize)]
struct Report {
    market: String,
    old: Side,
    new: Side,
    old_policy: String,
    new_policy: String,
    /// New less old, of every figure that both have.
    change: serde_json::Map<String, serde_json::Value>,
    /// Orders that other nodes serve under the new policy.
    moved: u64,
    ok: bool,
    limits: Vec<Checked>,
    #[serde(flatten)]
    basis: Basis,
}

#[derive(Serialize)]
struct Checked {
    limit: String,
    /// `null`: there is no such figure on either side, or no whole to be a share of.
    measured: Option<f64>,
    ok: bool,
}

impl Diff {
    /// Replays both and compares.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let limits: Result<Vec<Limit>, _> =
            self.limits.iter().map(|text| Limit::parse(text)).collect();
        let limits = limits.map_err(|fault| Usage(fault.to_string()))?;
        let policy = |file: &Path| super::read(file);
        let (old, new) = (policy(&self.old)?, policy(&self.new)?);
        let opened = context.open_existing_log()?;
        let market = context.market(&opened)?;
        let of = (context.config().prefix.as_str(), market.as_str());
        let history = History::read(&*opened.log(), of, &self.part, &[&new, &old])?;
        let report = compare(context, &history, [&old, &new], &limits)?;
        context.output.show(&report, text)?;
        Ok(if report.ok { Exit::Done } else { Exit::LimitBroken })
    }
}

fn compare(
    context: &Context,
    history: &History,
    [old, new]: [&Policy; 2],
    limits: &[Limit],
) -> Result<Report> {
    let under = |policy: &Policy| {
        play(context, history, &Change::default().with_policy(Some(ruling(policy))))
    };
    let (before, after) = (under(old)?, under(new)?);
    let moved = before.account.moved(&after.account);
    let (before, after) = (Side::new(history, &before), Side::new(history, &after));
    let limits: Vec<Checked> = limits
        .iter()
        .map(|limit| {
            let measured = limit.measure(&before.figures, &after.figures, moved);
            Checked { limit: limit.text.clone(), measured, ok: limit.holds(measured) }
        })
        .collect();
    Ok(Report {
        market: history.market.clone(),
        change: changes(&before.figures, &after.figures),
        old: before,
        new: after,
        old_policy: label(old),
        new_policy: label(new),
        moved,
        ok: limits.iter().all(|checked| checked.ok),
        limits,
        basis: Basis::of(history),
    })
}

fn change_of(figure: &Named, old: &Figures, new: &Figures) -> Option<f64> {
    Some((figure.of)(new)? - (figure.of)(old)?)
}

fn changes(old: &Figures, new: &Figures) -> serde_json::Map<String, serde_json::Value> {
    let change =
        |figure: &Named| Some((figure.name.to_owned(), change_of(figure, old, new)?.into()));
    FIGURES.iter().filter_map(change).collect()
}

fn text(report: &Report) -> String {
    let columns = [&report.old.figures, &report.new.figures];
    let mut rows: Vec<Vec<String>> =
        FIGURES.iter().filter_map(|figure| row(figure, columns)).collect();
    let moved = vec!["orders moved".into(), "-".into(), "-".into(), thousands(report.moved)];
    rows.push(moved);
    let main = table(&["", "old", "new", "change"], &[1, 2, 3], rows);
    let load = table(&["fulfilments (units) of", "old", "new"], &[1, 2], load_rows(&columns));
    let limits: String = report.limits.iter().map(limit_line).collect();
    let limits = if limits.is_empty() { limits } else { format!("{limits}\n") };
    format!(
        "{}: {} (old), {} (new)\n\n{main}\n{load}\n{limits}{}",
        report.market,
        report.old_policy,
        report.new_policy,
        report.basis.text()
    )
}

fn row(figure: &Named, [old, new]: [&Figures; 2]) -> Option<Vec<String>> {
    let (before, after) = ((figure.of)(old), (figure.of)(new));
    before.or(after)?;
    let cell = |value| figure_cell(value, figure.decimals);
    let decimals = figure.decimals;
    let change = match change_of(figure, old, new) {
        None => "-".to_owned(),
        Some(change) => format!("{change:+.decimals$}"),
    };
    Some(vec![figure.label.to_owned(), cell(before), cell(after), change])
}

fn limit_line(checked: &Checked) -> String {
    let verdict = if checked.ok { "holds" } else { "BROKEN" };
    let measured = checked.measured.map_or("cannot be had".to_owned(), |it| format!("is {it:.3}"));
    format!("  {verdict:<8} {}: {measured}\n", checked.limit)
}
