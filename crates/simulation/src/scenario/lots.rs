//! The words that name lots.

use omnifold_events::v1;

use super::render::units as decimal;
use super::serials;
use super::words::{Fault, Words, quantity};

/// `lot=L1 expires=2025-06-30 serials=A,B`.
pub(super) fn units(words: &mut Words<'_>) -> Option<v1::UnitAttributes> {
    let (lot, expires_on) = (words.option("lot"), words.option("expires"));
    let serials = serials::names(words.option("serials").unwrap_or_default());
    let text = |word: Option<&str>| word.unwrap_or_default().to_owned();
    let said = lot.is_some() || expires_on.is_some() || !serials.is_empty();
    said.then(|| v1::UnitAttributes { lot: text(lot), expires_on: text(expires_on), serials })
}

/// `lots=S:L1:2,S:L2:1@2025-06-30`: those of one SKU of a transfer, or of one line of a receipt.
pub(super) fn of_sku(text: &str, sku: &str) -> Result<Vec<v1::LotQuantity>, Fault> {
    let of = text.split(',').filter_map(|row| row.strip_prefix(&format!("{sku}:")));
    of.map(one).collect()
}

/// `lots=L1:4@2025-06-30,L2:3`: what a count found.
pub(super) fn counted(words: &mut Words<'_>) -> Result<Vec<v1::LotQuantity>, Fault> {
    words.option("lots").map_or(Ok(Vec::new()), |lots| lots.split(',').map(one).collect())
}

fn one(text: &str) -> Result<v1::LotQuantity, Fault> {
    let (lot, rest) = text.split_once(':').ok_or("a lot is `LOT:units`")?;
    let (units, expires_on) = rest.split_once('@').unwrap_or((rest, ""));
    let (lot, expires_on) = (lot.to_owned(), expires_on.to_owned());
    Ok(v1::LotQuantity { lot, quantity_milli: quantity(units)?, expires_on })
}

/// `lots=1:L1:2,1:L2:1`: line, lot and units that a node took.
pub(super) fn taken(words: &mut Words<'_>) -> Result<Vec<v1::LineLot>, Fault> {
    let one = |text: &str| {
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or("a taken lot is `LINE:LOT:units`");
        let (line_id, lot) = (part()?.to_owned(), part()?.to_owned());
        Ok(v1::LineLot { line_id, lot, quantity_milli: quantity(part()?)? })
    };
    words.option("lots").map_or(Ok(Vec::new()), |lots| lots.split(',').map(one).collect())
}

/// ` [L1 x2, L2 x1]`: the lots that a node is to take.
pub(super) fn lots_text(lots: &[v1::LotQuantity]) -> String {
    let text = |row: &v1::LotQuantity| format!("{} x{}", row.lot, decimal(row.quantity_milli));
    match lots {
        [] => String::new(),
        lots => format!(" [{}]", lots.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_named_by_options() {
        let of = units(&mut Words::of("lot=L1 expires=2025-06-30")).expect("a lot");
        assert_eq!((of.lot.as_str(), of.expires_on.as_str()), ("L1", "2025-06-30"));
        assert_eq!(units(&mut Words::of("into=quarantine")), None);
        let row = |lot: &str, quantity_milli: i64, day: &str| v1::LotQuantity {
            lot: lot.to_owned(),
            quantity_milli,
            expires_on: day.to_owned(),
        };
        let found = counted(&mut Words::of("lots=L1:4@2025-06-30,L2:1.5"));
        assert_eq!(found, Ok(vec![row("L1", 4_000, "2025-06-30"), row("L2", 1_500, "")]));
        let (line_id, lot) = ("2".to_owned(), "L1".to_owned());
        let row = v1::LineLot { line_id, lot, quantity_milli: 2_000 };
        assert_eq!(taken(&mut Words::of("lots=2:L1:2")), Ok(vec![row]));
    }

    #[test]
    fn what_is_no_lot_is_refused() {
        assert!(counted(&mut Words::of("lots=L1")).is_err());
        assert!(counted(&mut Words::of("lots=L1:x")).is_err());
        assert!(taken(&mut Words::of("lots=1:L1")).is_err());
    }
}
