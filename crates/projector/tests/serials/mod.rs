//! Random events about serial numbers, and what must hold of them after each.

use omnifold_domain::{SerialKey, SerialPlace, State as _, TransferKey};

use super::*;

/// Some of few serial numbers, each once or twice.
pub fn of_serials() -> impl Strategy<Value = Vec<String>> {
    let one = prop::sample::select(vec!["1", "2", "3", "4", "5"]).prop_map(str::to_owned);
    prop::collection::vec(one, 0..3)
}

/// Something that happens to units of the item that has serial numbers.
pub fn with_serials(node_id: String, serials: Vec<String>, more: i64, kind: u8) -> Event {
    let sku = "s0".to_owned();
    let quantity_milli = (serials.len() as i64 + more).max(1) * UNIT;
    let units = Some(v1::UnitAttributes { serials: serials.clone(), ..Default::default() });
    let [on_hand, aside] = [v1::StockBucket::OnHand, v1::StockBucket::Quarantine].map(i32::from);
    match kind {
        0 => v1::StockReceived { node_id, sku, quantity_milli, units, ..Default::default() }.into(),
        1 => {
            let on_hand_milli = quantity_milli;
            v1::StockCounted { node_id, sku, on_hand_milli, serials, ..Default::default() }.into()
        }
        2 => {
            let (from, to) = (on_hand, aside);
            let moved = v1::StockMoved { node_id, sku, quantity_milli, ..Default::default() };
            v1::StockMoved { from, to, units, ..moved }.into()
        }
        3 => {
            let (from, to) = (aside, on_hand);
            let moved = v1::StockMoved { node_id, sku, quantity_milli, ..Default::default() };
            v1::StockMoved { from, to, units, ..moved }.into()
        }
        4 => {
            let disposition = v1::Disposition::Quarantine.into();
            let back = v1::BlindReturnReceived { node_id, sku, units, ..Default::default() };
            v1::BlindReturnReceived { quantity_milli, disposition, ..back }.into()
        }
        _ => {
            let delta_milli = (more - 1) * quantity_milli;
            v1::StockAdjusted { node_id, sku, delta_milli, units, ..Default::default() }.into()
        }
    }
}

/// I1 of serial numbers: each stands at one place, and no place has more than units.
pub fn check(
    bench: &mut Bench,
    shelves: &BTreeMap<(u32, u32), Stock>,
    orders: &[Option<omnifold_domain::Order>],
) -> Result<(), TestCaseError> {
    use omnifold_domain::invariants::*;
    let mut books: BTreeMap<SerialKey, SerialPlace> = BTreeMap::new();
    let mut keep = |key: SerialKey, place: SerialPlace| books.insert(key, place).is_none();
    for (&(sku, node), stock) in shelves {
        let known = bench.store.serial_shelf(SkuIx(sku), NodeIx(node)).cloned();
        let known = known.unwrap_or_default();
        prop_assert!(i1_serials_are_units(&known, stock), "I1: {:?} of {:?}", known, stock);
        for key in known.on_hand {
            prop_assert!(keep(key, SerialPlace::OnHand(NodeIx(node))), "I1: {:?} twice", key);
        }
        for key in known.quarantine {
            prop_assert!(keep(key, SerialPlace::Quarantine(NodeIx(node))), "I1: {:?} twice", key);
        }
    }
    for id in ["t0", "t1", "t2"] {
        let Some(row) = bench.store.transfer(TransferKey::of(id)).cloned() else { continue };
        prop_assert!(i1_cargo_is_under_way(&row), "I1: {:?}", row);
        for (_, key) in row.serials {
            prop_assert!(keep(key, SerialPlace::InTransit(id.to_owned())), "I1: {:?} twice", key);
        }
    }
    for order in orders.iter().flatten() {
        prop_assert!(i1_serials_left_with_units(order), "I1: {:?}", order);
        for share in order.serials() {
            let (fulfilment, line) = (share.fulfilment, share.line);
            let place = SerialPlace::Shipped { order: order.key(), fulfilment, line };
            prop_assert!(keep(share.serial, place), "I1: {:?} twice", share);
        }
    }
    for serial in ["1", "2", "3", "4", "5"] {
        let key = SerialKey::of(SkuIx(0), serial);
        let book = books.remove(&key);
        let Some(row) = bench.store.serial(key) else { continue };
        prop_assert!(i1_serial_stands_at_one_place(row, book.as_ref()), "I1: {:?} {:?}", row, book);
    }
    prop_assert!(books.is_empty(), "I1: no rows of {:?}", books);
    Ok(())
}
