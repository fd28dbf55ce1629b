//! What happened beside what the replays came to.

use omnifold_simulation::what_if::figures::{Figures, Load};
use serde::Serialize;

use super::Recorded;
use super::replay::Replayed;
use crate::output::{table, thousands};

/// The comparison.
#[derive(Serialize)]
pub struct Report {
    market: String,
    change: String,
    /// Read from the log.
    happened: Figures,
    /// The settings as they were, with modelled nodes: the model's error.
    as_it_was: Side,
    /// With the change.
    changed: Side,
    /// Orders that other nodes serve with the change than in the replay as it was.
    moved: u64,
    recorded: &'static str,
    modelled: &'static str,
    left_out: &'static str,
    unreadable_records: u64,
}

/// One replay.
#[derive(Serialize)]
struct Side {
    #[serde(flatten)]
    figures: Figures,
    /// Orders that other nodes serve than in what happened.
    moved_from_what_happened: u64,
    events_refused: u64,
    fulfilments_as_recorded: u64,
    fulfilments_modelled: u64,
}

const RECORDED: &str = "network, stock, transfers, orders with changes, holds and payments";
const MODELLED: &str =
    "nodes: as they did with the same order, else shipped after their median time";
const LEFT_OUT: &str = "returns, pick-ups, couriers, losses";

impl Report {
    pub fn new(
        market: &str,
        change: String,
        recorded: &Recorded,
        same: Replayed,
        other: Replayed,
    ) -> Self {
        let moved = same.account.moved(&other.account);
        let side = |replayed: Replayed| Side {
            figures: replayed.account.figures(),
            moved_from_what_happened: recorded.account.moved(&replayed.account),
            events_refused: replayed.refused,
            fulfilments_as_recorded: replayed.as_recorded,
            fulfilments_modelled: replayed.modelled,
        };
        Report {
            market: market.to_owned(),
            change,
            happened: recorded.account.figures(),
            as_it_was: side(same),
            changed: side(other),
            moved,
            recorded: RECORDED,
            modelled: MODELLED,
            left_out: LEFT_OUT,
            unreadable_records: recorded.unreadable,
        }
    }

    fn columns(&self) -> [&Figures; 3] {
        [&self.happened, &self.as_it_was.figures, &self.changed.figures]
    }
}

/// The comparison for people.
pub fn text(report: &Report) -> String {
    let header = ["", "happened", "replayed as it was", "replayed with the change"];
    let main = table(&header, &[1, 2, 3], rows(report));
    let load =
        table(&["fulfilments of", "happened", "as it was", "changed"], &[1, 2, 3], loads(report));
    format!(
        "{}: {}\n\n{main}\n{load}\n  recorded  {RECORDED}\n  modelled  {MODELLED}\n  left out  {LEFT_OUT}\n",
        report.market, report.change
    )
}

fn rows(report: &Report) -> Vec<Vec<String>> {
    let count = |name: &str, of: fn(&Figures) -> u64| {
        let cells = report.columns().map(|figures| thousands(of(figures)));
        [vec![name.to_owned()], cells.to_vec()].concat()
    };
    let (same, other) = (&report.as_it_was, &report.changed);
    let [fill, far] = [|f: &Figures| f.fill_rate_percent, |f: &Figures| f.mean_distance_km];
    let decimal = |name: &str, of: fn(&Figures) -> f64| {
        let cells = report.columns().map(|figures| format!("{:.1}", of(figures)));
        [vec![name.to_owned()], cells.to_vec()].concat()
    };
    let moved = |happened: &str| {
        let sides = [same, other].map(|side| thousands(side.moved_from_what_happened));
        [vec!["orders moved".to_owned(), happened.to_owned()], sides.to_vec()].concat()
    };
    vec![
        count("orders", |f| f.orders),
        count("filled at once", |f| f.filled_at_once),
        count("filled in part", |f| f.filled_in_part),
        count("waiting at first", |f| f.waiting_at_first),
        count("refused", |f| f.refused),
        decimal("fill rate, %", fill),
        count("stock-outs", |f| f.stock_outs),
        count("SKUs short", |f| f.skus_short),
        count("fulfilments", |f| f.fulfilments),
        count("split orders", |f| f.split),
        decimal("mean distance, km", far),
        moved("-"),
        [
            vec!["modelled fulfilments".to_owned(), "-".to_owned()],
            [same, other].map(|side| thousands(side.fulfilments_modelled)).to_vec(),
        ]
        .concat(),
        [
            vec!["events refused".to_owned(), "-".to_owned()],
            [same, other].map(|side| thousands(side.events_refused)).to_vec(),
        ]
        .concat(),
    ]
}

fn loads(report: &Report) -> Vec<Vec<String>> {
    let columns = report.columns();
    let mut nodes: Vec<&String> = columns.iter().flat_map(|figures| figures.load.keys()).collect();
    nodes.sort();
    nodes.dedup();
    let load = |figures: &Figures, node: &String| -> Load {
        figures.load.get(node).copied().unwrap_or_default()
    };
    let row = |node: &String| {
        let cells = columns.map(|figures| thousands(load(figures, node).fulfilments));
        [vec![node.clone()], cells.to_vec()].concat()
    };
    nodes.into_iter().map(row).collect()
}
