//! Commands about what stands in for what (kits, substitutes), and about availability in time.

use omnifold_events::v1;

use super::PhasedTable;
use super::words::{Fault, Words, number, quantity};

/// `of=S:1,T:2 [assembled] [may_split]`: the parts of a kit, how it is picked, whether it may be split.
pub(super) fn kit(words: &mut Words<'_>) -> Result<(Vec<v1::KitComponent>, i32, bool), Fault> {
    let parts = words.option("of").unwrap_or_default();
    let part = |text: &str| -> Result<v1::KitComponent, Fault> {
        let (sku, units) = text.rsplit_once(':').ok_or("a part is `SKU:quantity`")?;
        Ok(v1::KitComponent { sku: sku.to_owned(), quantity_milli: quantity(units)? })
    };
    let parts = parts.split(',').filter(|text| !text.is_empty()).map(part);
    let parts: Vec<v1::KitComponent> = parts.collect::<Result<_, _>>()?;
    let picking = if words.take("assembled") {
        v1::KitPicking::AssembledFirst
    } else if parts.is_empty() {
        v1::KitPicking::Unspecified
    } else {
        v1::KitPicking::AsParts
    };
    Ok((parts, picking.into(), words.take("may_split")))
}

/// `S|T|U:2` as `S:2`, and T and U as what may stand in for S.
pub(super) fn substitutes(number: usize, text: &str) -> (String, Option<v1::LineSubstitutes>) {
    let Some((skus, rest)) = text.split_once(':') else { return (text.to_owned(), None) };
    let mut skus = skus.split('|').map(str::to_owned);
    let line = format!("{}:{rest}", skus.next().unwrap_or_default());
    let skus: Vec<String> = skus.collect();
    let line_id = number.to_string();
    (line, (!skus.is_empty()).then_some(v1::LineSubstitutes { line_id, skus }))
}

/// `6/6 4/2 ... [forward] [no_backward] [accumulation] [order=3@7]`: supply and demand, by period.
pub(super) fn phased(words: &mut Words<'_>) -> Result<PhasedTable, Fault> {
    let mut table = PhasedTable { backward: true, ..PhasedTable::default() };
    while let Some(period) = words.take_if(|word| word.contains('/')) {
        let (supply, demand) = period.split_once('/').ok_or("a period is `supply/demand`")?;
        table.periods.push((quantity(supply)?, quantity(demand)?));
    }
    table.forward = words.take("forward");
    table.backward = !words.take("no_backward");
    table.accumulation = words.take("accumulation");
    if let Some(order) = words.option("order") {
        let (units, period) = order.split_once('@').ok_or("an order is `units@period`")?;
        let period = number(period)?.checked_sub(1).ok_or("the first period is 1")?;
        table.order = Some((quantity(units)?, period as usize));
    }
    Ok(table)
}
