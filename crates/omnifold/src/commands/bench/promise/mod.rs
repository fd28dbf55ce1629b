//! Promises learned on a marketplace's history, beside those its customers were given.
//!
//! The history is replayed in time order; a promise is made from what happened before it. Several
//! learners run beside each other, one a stated rate, because each corrects itself by its own
//! outcomes. Nothing is fitted to the history afterwards; only where a row says "at the late rate
//! of the customers' promises" is it read between two runs.

mod figures;
mod replay;

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use omnifold_domain::promise::{Settings, Spending};
use serde::Serialize;

use super::Work;
pub use figures::{Group, Rate, holds};
use figures::{Order, at_hand_over, at_purchase, days_at, groups, olist, told_by_all, widths};
use replay::{History, Told};

/// Stated rates whose calibration is shown, in millionths late.
pub const STATED_PPM: [u32; 3] = [100_000, 50_000, 10_000];

/// Stated rates around that of the history.
const LADDER_PPM: [u32; 7] = [50_000, 55_000, 60_000, 65_000, 70_000, 75_000, 80_000];

/// Share that may come before the first day of an interval, in millionths.
const EARLY_PPM: u32 = 50_000;

/// What the promises came to.
#[derive(Debug, Serialize)]
pub struct Promises {
    /// What the customers were promised.
    pub olist: Rate,
    /// Rungs of the ladder with the rate they state: even, then thrifty.
    pub ladders: [Vec<(f64, Rate)>; 2],
    /// Days at the customers' late rate: even, thrifty.
    pub days_at_olist: [Option<f64>; 2],
    /// All orders, one a rate of [`STATED_PPM`].
    pub overall: Vec<Rate>,
    /// Quarters, surges, regions.
    pub groups: Vec<Group>,
    /// The second look, all orders: days are from hand-over.
    pub second: Vec<Rate>,
    /// Mean width of the interval at the first of [`STATED_PPM`]: at purchase, at hand-over.
    pub widths: (f64, f64),
    /// Microseconds an event of the history, all of it included.
    pub micros_per_event: f64,
}

/// Runs the scenario.
pub fn measure(work: &Work<'_>, folder: &Path) -> Result<Promises> {
    work.note(&format!("promise: reading {} ...", folder.display()));
    let history = History::read(folder)?;
    let orders = figures::delivered(&history);
    let run = |late_ppm: u32, spending| {
        history.replay(Settings { late_ppm, early_ppm: EARLY_PPM, spending })
    };
    work.note(&format!("promise: {} events ...", history.events()));
    let started = Instant::now();
    let stated: Vec<Vec<Told>> = STATED_PPM.map(|ppm| run(ppm, Spending::Even)).into();
    let seconds = started.elapsed().as_secs_f64() / stated.len() as f64;
    let ladders = [Spending::Even, Spending::Thrifty]
        .map(|spending| LADDER_PPM.map(|ppm| run(ppm, spending)).to_vec());
    let told = told_by_all(&orders, &[ladders[0].clone(), ladders[1].clone()].concat());
    ensure!(!told.is_empty(), "the history is too short to promise anything");
    let customers = olist(&told);
    let rungs = ladders.map(|ladder| rungs(&told, &ladder));
    let all: Vec<&Order<'_>> = orders.iter().collect();
    Ok(Promises {
        days_at_olist: [0, 1].map(|kind: usize| {
            let rates: Vec<Rate> = rungs[kind].iter().map(|(_, rate)| *rate).collect();
            days_at(&rates, customers.late)
        }),
        olist: customers,
        ladders: rungs,
        overall: stated.iter().map(|run| at_purchase(&all, run)).collect(),
        groups: groups(&told, &stated),
        second: stated.iter().map(|run| at_hand_over(&all, run)).collect(),
        widths: widths(&all, &stated[0]),
        micros_per_event: seconds * 1e6 / history.events() as f64,
    })
}

fn rungs(told: &[&Order<'_>], ladder: &[Vec<Told>]) -> Vec<(f64, Rate)> {
    let stated = LADDER_PPM.iter().map(|ppm| f64::from(*ppm) / 1e6);
    stated.zip(ladder.iter().map(|run| at_purchase(told, run))).collect()
}
