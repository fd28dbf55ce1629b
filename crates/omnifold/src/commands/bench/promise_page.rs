//! The section of promises.

use super::promise::{Group, Promises, Rate, STATED_PPM, holds};
use super::report::table;
use crate::output::thousands;

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn stated() -> [f64; 3] {
    STATED_PPM.map(|ppm| f64::from(ppm) / 1e6)
}

/// The section.
pub fn section(figures: &Promises) -> String {
    format!(
        "\n## Promises on the Olist history\n\n\
         The orders of a marketplace in time order, each promised a last day at purchase from what had\n\
         happened by then. Late is delivered on a later date. Parcels are delivered from Monday to Friday\n\
         but on the banks' holidays, which is known beforehand. `omnifold bench promise --olist DIR`\n\n\
         {}{}{}{}\nLearning and promising take {:.1} us an event.\n",
        against_olist(figures),
        at_olist(figures),
        calibration(figures),
        second_look(figures),
        figures.micros_per_event,
    )
}

fn against_olist(figures: &Promises) -> String {
    let row = |name: &str, stated: String, rate: &Rate| {
        let days = format!("{:.2}", rate.days);
        vec![name.to_owned(), stated, thousands(rate.orders), percent(rate.late), days]
    };
    let mut rows = vec![row("given to the customers", "-".to_owned(), &figures.olist)];
    for (name, ladder) in ["even", "thrifty"].into_iter().zip(&figures.ladders) {
        rows.extend(ladder.iter().map(|(stated, rate)| row(name, percent(*stated), rate)));
    }
    table(&["promise", "stated late", "orders", "late", "mean days"], rows)
}

fn at_olist(figures: &Promises) -> String {
    let told = |name: &str, days: Option<f64>| match days {
        None => format!("{name}: outside of the ladder"),
        Some(days) => {
            let less = (1.0 - days / figures.olist.days) * 100.0;
            format!("{name}: {days:.2} days, {less:.1} % fewer")
        }
    };
    let [even, thrifty] = figures.days_at_olist;
    format!(
        "\nAt the customers' late rate, between two runs:\n\n* {}\n* {}\n\n\
         Even keeps the stated rate for each kind of order, thrifty over all of them.\n\n",
        told("even", even),
        told("thrifty", thrifty),
    )
}

fn calibration(figures: &Promises) -> String {
    let cells = |group: &Group| {
        let mut cells = vec![group.name.clone(), thousands(group.rates[0].orders)];
        for (stated, rate) in stated().into_iter().zip(&group.rates) {
            let mark = if group.counts && !holds(stated, rate) { " *" } else { "" };
            cells.push(format!("{}{mark}", percent(rate.late)));
        }
        cells
    };
    let rates = figures.overall.clone();
    let overall = Group { name: "all".to_owned(), counts: true, rates };
    let rows = std::iter::once(cells(&overall)).chain(figures.groups.iter().map(cells));
    let header = ["late at a stated", "orders", "10 %", "5 %", "1 %"];
    format!(
        "{}\n`*`: off by more than 4 points and two standard errors. Surge months, in which the\n\
         slow tenth took 1.2 times as long as in the whole history, are apart. A rate is stated once\n\
         there are enough outcomes for it, which takes longer at 1 %.\n",
        table(&header, rows)
    )
}

fn second_look(figures: &Promises) -> String {
    let row = |(stated, rate): (f64, &Rate)| {
        let days = format!("{:.2}", rate.days);
        vec![percent(stated), thousands(rate.orders), percent(rate.late), days]
    };
    let rows = stated().into_iter().zip(&figures.second).map(row);
    let (first, second) = figures.widths;
    format!(
        "\nAt hand-over to the carrier, what remains is promised anew:\n\n{}\n\
         From the earliest day (5 % come before it) to the last (10 % come after it) it is\n\
         {first:.1} days at purchase and {second:.1} at hand-over.\n",
        table(&["stated late", "orders", "late", "mean days from hand-over"], rows)
    )
}
