//! What happened beside what the replays came to.

use omnifold_simulation::what_if;
use omnifold_simulation::what_if::figures::{FIGURES, Figures, Load, Named};
use serde::Serialize;

use super::History;
use super::replay::Replayed;
use crate::output::{table, thousands};

/// The comparison.
#[derive(Serialize)]
pub struct Report {
    market: String,
    change: String,
    /// Read from the log.
    pub happened: Figures,
    /// The market as it was, with modelled nodes: the model's error.
    as_it_was: Side,
    /// With the change.
    changed: Side,
    /// Orders that other nodes serve with the change than in the replay as it was.
    moved: u64,
    #[serde(flatten)]
    basis: Basis,
}

/// What a comparison of replays stands on.
#[derive(Serialize)]
pub struct Basis {
    /// Whose cost model priced every side.
    cost_model: Option<String>,
    recorded: &'static str,
    modelled: &'static str,
    left_out: &'static str,
    unreadable_records: u64,
}

/// One replay.
#[derive(Serialize)]
pub struct Side {
    #[serde(flatten)]
    pub figures: Figures,
    /// Orders that other nodes serve than in what happened.
    moved_from_what_happened: u64,
    events_refused: u64,
    fulfilments_as_recorded: u64,
    fulfilments_modelled: u64,
}

impl Basis {
    /// That of a history.
    pub fn of(history: &History) -> Self {
        Basis {
            cost_model: history.cost_model(),
            recorded: what_if::RECORDED,
            modelled: what_if::MODELLED,
            left_out: what_if::LEFT_OUT,
            unreadable_records: history.unreadable,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let nobody = "nothing: no policy here has `[rule.cost]` or `[cost]`";
        format!(
            "  recorded  {}\n  modelled  {}\n  left out  {}\n  priced by {}\n",
            self.recorded,
            self.modelled,
            self.left_out,
            self.cost_model.as_deref().unwrap_or(nobody)
        )
    }
}

impl Side {
    /// One replay beside what happened.
    pub fn new(history: &History, replayed: &Replayed) -> Self {
        Side {
            figures: history.figures(&replayed.account),
            moved_from_what_happened: history.account.moved(&replayed.account),
            events_refused: replayed.refused,
            fulfilments_as_recorded: replayed.as_recorded,
            fulfilments_modelled: replayed.modelled,
        }
    }
}

impl Report {
    pub fn new(history: &History, change: String, same: Replayed, other: Replayed) -> Self {
        Report {
            market: history.market.clone(),
            change,
            happened: history.figures(&history.account),
            as_it_was: Side::new(history, &same),
            changed: Side::new(history, &other),
            moved: same.account.moved(&other.account),
            basis: Basis::of(history),
        }
    }

    fn columns(&self) -> [&Figures; 3] {
        [&self.happened, &self.as_it_was.figures, &self.changed.figures]
    }
}

/// The comparison for people.
pub fn text(report: &Report) -> String {
    let header = ["", "happened", "replayed as it was", "replayed with the change"];
    let main = table(&header, &[1, 2, 3], [figure_rows(&report.columns()), rows(report)].concat());
    let header = ["fulfilments (units) of", "happened", "as it was", "changed"];
    let load = table(&header, &[1, 2, 3], load_rows(&report.columns()));
    format!("{}: {}\n\n{main}\n{load}\n{}", report.market, report.change, report.basis.text())
}

/// Figures of [`summary`].
const IN_SHORT: [&str; 7] = [
    "fill_rate_percent",
    "fulfilments",
    "split",
    "mean_distance_km",
    "cost_minor",
    "cost_per_fulfilment_minor",
    "mean_days_to_delivery",
];

/// The two replays in a few figures.
pub fn summary(report: &Report) -> String {
    let columns = [&report.as_it_was.figures, &report.changed.figures];
    let figures = FIGURES.iter().filter(|figure| IN_SHORT.contains(&figure.name));
    let row = |figure: &Named| {
        let cells = columns.map(|column| figure_cell((figure.of)(column), figure.decimals));
        [vec![figure.label.to_owned()], cells.to_vec()].concat()
    };
    let moved = vec!["orders moved".to_owned(), "-".to_owned(), thousands(report.moved)];
    table(&["", "as it was", "changed"], &[1, 2], figures.map(row).chain([moved]))
}

/// A figure for people; a dash where there is none.
pub fn figure_cell(value: Option<f64>, decimals: usize) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if decimals == 0 && value >= 0.0 => thousands(value.round() as u64),
        Some(value) => format!("{value:.decimals$}"),
    }
}

/// Every figure that somebody has, one a row.
pub fn figure_rows(columns: &[&Figures]) -> Vec<Vec<String>> {
    let is_said = |figure: &&Named| columns.iter().any(|column| (figure.of)(column).is_some());
    let row = |figure: &Named| {
        let cell = |column: &&Figures| figure_cell((figure.of)(column), figure.decimals);
        [vec![figure.label.to_owned()], columns.iter().map(cell).collect()].concat()
    };
    FIGURES.iter().filter(is_said).map(row).collect()
}

fn rows(report: &Report) -> Vec<Vec<String>> {
    let sides = [&report.as_it_was, &report.changed];
    let row = |name: &str, of: fn(&Side) -> u64| {
        let cells = sides.map(|side| thousands(of(side)));
        [vec![name.to_owned(), "-".to_owned()], cells.to_vec()].concat()
    };
    vec![
        row("orders moved", |side| side.moved_from_what_happened),
        row("modelled fulfilments", |side| side.fulfilments_modelled),
        row("events refused", |side| side.events_refused),
    ]
}

/// What each node has to do, one a row.
pub fn load_rows(columns: &[&Figures]) -> Vec<Vec<String>> {
    let mut nodes: Vec<&String> = columns.iter().flat_map(|figures| figures.load.keys()).collect();
    nodes.sort();
    nodes.dedup();
    let cell = |figures: &Figures, node: &String| {
        let load: Load = figures.load.get(node).copied().unwrap_or_default();
        format!("{} ({})", thousands(load.fulfilments), load.units)
    };
    let row = |node: &String| {
        let cells = columns.iter().map(|figures| cell(figures, node)).collect();
        [vec![node.clone()], cells].concat()
    };
    nodes.into_iter().map(row).collect()
}
