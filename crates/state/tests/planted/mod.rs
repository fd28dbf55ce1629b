//! Violations of what serial numbers must say, planted behind the fold's back.

use super::*;

/// What a scan says of serial numbers once something was changed behind the fold's back.
fn told_of_serials(change: fn(&mut Store)) -> Vec<&'static str> {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
    let mut store = one_of_each(backend.clone());
    change(&mut store);
    checkpoint(&mut store, b"here");
    let violations = scan(&*backend).expect("a scan").violations;
    let about = violations.iter().filter(|violation| violation.what.contains("serial"));
    about.map(|violation| violation.id).collect()
}

/// I1, planted: serial numbers that stand nowhere, at two places, or where no unit is.
#[test]
fn a_serial_number_stands_at_one_place_and_is_a_unit() {
    assert_eq!(told_of_serials(|_| ()), Vec::<&str>::new());
    let none = |store: &mut Store| store.put_serial_shelf(SkuIx(0), NodeIx(0), None);
    assert_eq!(told_of_serials(none), ["I1"], "its row says that it is on the shelf");
    let twice = |store: &mut Store| {
        let mut shelf = serial_shelf();
        shelf.on_hand.push(SerialKey::of(SkuIx(0), "SN-2"));
        store.put_serial_shelf(SkuIx(0), NodeIx(0), Some(shelf));
    };
    assert_eq!(told_of_serials(twice), ["I1", "I1"], "and not where its row says");
    let aside = |store: &mut Store| {
        let (on_hand, quarantine) = (Vec::new(), serial_shelf().on_hand);
        store.put_serial_shelf(SkuIx(0), NodeIx(0), Some(SerialShelf { on_hand, quarantine }));
    };
    assert_eq!(told_of_serials(aside), ["I1", "I1"], "the wrong place, and no unit there");
    let unnamed = |store: &mut Store| {
        let key = SerialKey::of(SkuIx(0), "SN-9");
        let shelf = SerialShelf { on_hand: vec![key], quarantine: Vec::new() };
        store.put_serial_shelf(SkuIx(0), NodeIx(1), Some(shelf));
    };
    assert_eq!(told_of_serials(unnamed), ["I1", "I1"], "of no row, and no stock");
    let kept = |store: &mut Store| {
        store.change_order(order("1001", 3).key(), &mut |order| order.lines[0].returned += 500);
    };
    assert_eq!(told_of_serials(kept), ["I1", "I1"], "more than units, and they do not add up");
}
