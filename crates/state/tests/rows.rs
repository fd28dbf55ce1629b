//! The bytes of every kind of row, which later builds must go on reading; and the two backends under
//! the same operations, with the digest kept step by step against the digest of a scan.

mod planted;
mod samples;

use std::sync::Arc;

use omnifold_domain::inbound::Source;
use omnifold_domain::parcel::{Content, Entry, Tracking};
use omnifold_domain::promise::{
    self, DeliveryCalendar, DeliveryDays, Learned as _, OrderPromise, PromiseRules,
};
use omnifold_domain::purchase::{
    Acknowledged, Invoice, InvoiceLine, NoticeLine, PurchaseLine, PurchaseTerms, Receipt,
    ReceiptLine, ReceivedUnits, ShipNotice,
};
use omnifold_domain::{
    Absence, ActivePolicy, AskedBack, Capacity, Carrier, CarrierKey, Channel, Component, Deadlines,
    Due, Feedback, Fulfilment, FulfilmentLine, FulfilmentState, Handling, HeldUnits, Hold, Hours,
    Inbound, Item, Kit, KitLine, KitPart, Ledger, Line, LineDetails, LineProgress, Location, Lot,
    LotId, LotShare, Lots, Markdown, Movement, MovementKind, Node, NodeDay, NodeIx, Opening, Order,
    OrderClass, OrderDetails, OrderKey, PackedParcel, Parcel, ParcelKey, Payment, Priced, Progress,
    PurchaseOrder, PurchaseOrderKey, PurchaseOrderState, Replenishment, Return, ReturnKey,
    ReturnLine, ReturnState, SafetyStock, Scorecard, Serial, SerialEvent, SerialKey, SerialPlace,
    SerialShare, SerialShelf, Settings, Settled, ShadowPrices, SkuIx, SlaClock, SlaTerms, SoftHold,
    SoftHoldKey, State as _, Stock, StockFeed, Stop, Substitutes, SuggestedMove, Supplier,
    SupplierItem, SupplierKey, Ticket, Timing, Transfer, TransferKey, View as _, WaitingKey,
};
use omnifold_state::{
    Backend, Checkpoint, Images, MemoryBackend, RocksBackend, StateError, Store, Table, scan,
};
use proptest::prelude::*;

use samples::*;

const CACHE: usize = 1 << 20;
const HORIZON: i64 = 604_800_000;
const NOW: i64 = 1_748_858_400_000;

/// A store with one row of every kind.
fn one_of_each(backend: Arc<dyn Backend>) -> Store {
    let mut store = Store::open(backend, CACHE).expect("a store");
    store.begin_step();
    store.put_settings(settings());
    store.put_node(NodeIx(0), node("berlin-1"));
    store.put_item(SkuIx(0), item("tea-500"));
    store.put_stock(SkuIx(0), NodeIx(0), stock(5_000));
    store.put_ledger(SkuIx(0), NodeIx(0), ledger());
    store.put_transfer(TransferKey::of("T-9"), Some(transfer()));
    store.put_purchase_order(PurchaseOrderKey::of("PO-4711"), purchase_order());
    store.put_supplier(SupplierKey::of("acme", "north"), supplier());
    store.put_inbound(SkuIx(0), NodeIx(300), Some(inbound()));
    let item = supplier_item();
    store.put_timer(item.feed.and_then(|feed| feed.timer()).expect("it ends"), 0);
    store.put_supplier_item(SkuIx(0), NodeIx(0), item);
    store.put_timer(lots().timer(SkuIx(0), NodeIx(0)).expect("it ends"), 0);
    store.put_lots(SkuIx(0), NodeIx(0), Some(lots()));
    for row in serials() {
        store.put_serial(SerialKey::of(row.sku, &row.serial), row);
    }
    store.put_serial_shelf(SkuIx(0), NodeIx(0), Some(serial_shelf()));
    let row = order("1001", 3);
    let (key, place) = (row.key(), WaitingKey::of(&row, SkuIx(0)));
    store.put_order(key, row);
    store.enqueue(place, key);
    store.put_parcel(ParcelKey::of("dhl", "JD0146"), parcel());
    store.put_return(ReturnKey::of(OrderKey(7), "R1"), a_return());
    store.put_carrier(CarrierKey::of("dhl"), carrier());
    let hold = soft_hold();
    store.put_timer(hold.timer(), hold.key().0);
    store.put_soft_hold(hold.key(), hold);
    store.put_node_day(NodeIx(0), NodeDay { day: 20_241, orders: 17, rejected_at: NOW });
    store.put_scorecard(NodeIx(0), scorecard());
    store.put_prices(Priced::Stock(SkuIx(0)), Some(prices(125_500)));
    store.put_prices(Priced::Capacity, Some(prices(40_000)));
    let promise = order_promise(&mut store);
    store.put_timer(promise.timer().expect("it ends"), 0);
    store.put_promise(OrderKey(7), promise);
    store.remember(0x0123_4567_89ab_cdef, 0xfeed, NOW, HORIZON);
    store
}

fn checkpoint(store: &mut Store, position: &[u8]) {
    let images = store.end_epoch();
    let checkpoint = Checkpoint::new(vec![images], position.to_vec());
    store.backend().write(&checkpoint, &|| ()).expect("a checkpoint");
    let epoch = store.epoch();
    store.flushed(epoch);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dump(backend: &dyn Backend) -> String {
    let mut text = String::new();
    for table in Table::ALL {
        let each = &mut |key: &[u8], value: &[u8]| {
            text.push_str(&format!("{} {} {}\n", table.name(), hex(key), hex(value)));
            Ok(())
        };
        backend.scan(table, &[], &[], each).expect("a scan");
    }
    text
}

/// Rows live as long as their folder. Where this fails the format changed: it needs a new version
/// byte, a reader for this one, and a second golden file; never a change of this one.
#[test]
fn the_bytes_of_every_row_format_are_as_they_ever_were() {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
    let mut store = one_of_each(backend.clone());
    checkpoint(&mut store, b"here");
    let dumped = format!("{}digest {}\n", dump(&*backend), store.digest());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/rows-1.txt");
    let golden = std::fs::read_to_string(path).expect("the golden rows");
    assert_eq!(dumped, golden);
}

#[test]
fn rows_come_back_from_the_golden_bytes_as_they_were_put() {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
    checkpoint(&mut one_of_each(backend.clone()), b"here");
    let mut read = Store::open(backend, CACHE).expect("a store");
    assert_eq!(read.settings(), Some(&settings()));
    assert_eq!(read.nodes(), [node("berlin-1")]);
    assert_eq!(read.node_named("berlin-1"), Some(NodeIx(0)));
    assert_eq!(read.item(SkuIx(0)), &item("tea-500"));
    assert_eq!(read.stock_at(SkuIx(0), NodeIx(0)), Some(stock(5_000)));
    assert_eq!(read.ledger(SkuIx(0), NodeIx(0)), Some(&ledger()));
    assert_eq!(read.transfer(TransferKey::of("T-9")), Some(&transfer()));
    let key = PurchaseOrderKey::of("PO-4711");
    assert_eq!(read.purchase_order(key), Some(&purchase_order()));
    assert_eq!(read.supplier(SupplierKey::of("acme", "north")), Some(&supplier()));
    assert_eq!(read.inbound(SkuIx(0), NodeIx(300)), Some(&inbound()));
    assert_eq!(read.supplier_item(SkuIx(0), NodeIx(0)), Some(&supplier_item()));
    assert_eq!(read.lots(SkuIx(0), NodeIx(0)), Some(&lots()));
    for row in serials() {
        assert_eq!(read.serial(SerialKey::of(row.sku, &row.serial)), Some(&row));
    }
    assert_eq!(read.serial_shelf(SkuIx(0), NodeIx(0)), Some(&serial_shelf()));
    let row = order("1001", 3);
    assert_eq!(read.order(row.key()), Some(&row));
    let place = WaitingKey::of(&row, SkuIx(0));
    assert_eq!(read.next_waiting(SkuIx(0), None), Some((place, row.key())));
    assert_eq!(read.parcel(ParcelKey::of("dhl", "JD0146")), Some(&parcel()));
    assert_eq!(read.return_of(ReturnKey::of(OrderKey(7), "R1")), Some(&a_return()));
    assert_eq!(read.carrier(CarrierKey::of("dhl")), Some(&carrier()));
    assert_eq!(read.carrier(CarrierKey::of("ups")), None);
    let hold = soft_hold();
    assert_eq!(read.next_timer(), Some((hold.timer(), hold.key().0)));
    assert_eq!(read.soft_hold(hold.key()), Some(&hold));
    assert_eq!(read.node_day(NodeIx(0)), NodeDay { day: 20_241, orders: 17, rejected_at: NOW });
    assert_eq!(read.prices(Priced::Stock(SkuIx(0))), Some(&prices(125_500)));
    assert_eq!(read.scorecard(NodeIx(0)), Some(&scorecard()));
    assert_eq!(read.prices(Priced::Capacity), Some(&prices(40_000)));
    let mut other: Store = one_of_each(Arc::new(MemoryBackend::default()));
    assert_eq!(read.promise_of(OrderKey(7)), other.promise_of(OrderKey(7)));
    let mut place = promise::LearnedKey { kind: 0, number: 0 };
    assert!(read.learned(place).is_some());
    while let Some(next) = other.next_learned(place) {
        assert_eq!(read.next_learned(place), Some(next));
        assert_eq!(read.learned(next), other.learned(next));
        place = next;
    }
    assert!(place.kind > 199, "the figures are the last");
    assert_eq!(read.seen(0x0123_4567_89ab_cdef), Some(0xfeed));
    assert_eq!(read.stored_position().expect("a read").as_deref(), Some(&b"here"[..]));
}

#[test]
fn a_row_of_another_format_is_named_and_not_guessed_at() {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
    checkpoint(&mut one_of_each(backend.clone()), b"here");
    let key = order("1001", 3).key().0.to_be_bytes();
    let mut stored = backend.get(Table::Order, &key).expect("a read").expect("a row");
    stored[0] = 9;
    let mut images = Images::default();
    images.plant(Table::Order, &key, &stored);
    let planted = Checkpoint::new(vec![images.into()], b"here".to_vec());
    backend.write(&planted, &|| ()).expect("a write");
    match scan(&*backend) {
        Err(StateError::DamagedRow { table: "order", detail, .. }) => {
            assert!(detail.contains("format 9"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

/// I1, planted: a unit that vanished on its way, from each of the three rows that tell of it.
#[test]
fn a_unit_lost_between_rows_is_found_by_the_scan() {
    let whole = |change: fn(&mut Ledger, &mut Transfer, &mut Stock)| {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let mut store = one_of_each(backend.clone());
        let (mut row, mut under_way, mut stock) = (ledger(), transfer(), stock(5_000));
        change(&mut row, &mut under_way, &mut stock);
        store.put_ledger(SkuIx(0), NodeIx(0), row);
        store.put_transfer(TransferKey::of("T-9"), Some(under_way));
        store.put_stock(SkuIx(0), NodeIx(0), stock);
        checkpoint(&mut store, b"here");
        let violations = scan(&*backend).expect("a scan").violations;
        violations.iter().filter(|violation| violation.id == "I1").count()
    };
    assert_eq!(whole(|_, _, _| ()), 0);
    assert_eq!(whole(|ledger, _, _| ledger.written_off -= 1), 1);
    assert_eq!(whole(|ledger, _, _| ledger.in_transit -= 1), 2, "its sum, and its transfer");
    assert_eq!(whole(|_, transfer, _| transfer.under_way.clear()), 3, "what it brings and is of");
    assert_eq!(whole(|_, _, stock| stock.aside += 1), 2, "the row, and its ledger");
}

/// I1 and I6, planted: lots that are not there, and a promise of a lot that nobody was made.
#[test]
fn lots_that_are_not_on_hand_or_promised_to_nobody_are_found_by_the_scan() {
    let told = |change: fn(&mut Lot)| {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let mut store = one_of_each(backend.clone());
        let mut lots = lots();
        change(&mut lots.rows[0]);
        store.put_lots(SkuIx(0), NodeIx(0), Some(lots));
        checkpoint(&mut store, b"here");
        let violations = scan(&*backend).expect("a scan").violations;
        let about = violations.iter().filter(|violation| {
            violation.what.contains("lot") || violation.what.contains("LotExpires")
        });
        about.map(|violation| violation.id).collect::<Vec<_>>()
    };
    assert_eq!(told(|_| ()), Vec::<&str>::new());
    assert_eq!(told(|lot| lot.on_hand += 1), ["I1"]);
    assert_eq!(told(|lot| lot.quarantine += 1), ["I1"]);
    assert_eq!(told(|lot| lot.promised += 1), ["I6"]);
    assert_eq!(told(|lot| lot.orders.clear()), ["I6"], "nobody is told when it expires");
    assert_eq!(told(|lot| lot.id.name.push('x')), ["I6", "I6"], "owned by none, and of no row");
    assert_eq!(told(|lot| lot.id.ends_at += 1), ["I6"], "no timer ends it then");
}

/// What a scan says of purchasing once something was changed behind the fold's back.
fn told_of_purchasing(change: fn(&mut Store)) -> Vec<&'static str> {
    let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
    let mut store = one_of_each(backend.clone());
    change(&mut store);
    checkpoint(&mut store, b"here");
    let violations = scan(&*backend).expect("a scan").violations;
    let about = violations.iter().filter(|violation| {
        ["inbound", "purchase order", "supplier", "SupplierStockStale"]
            .iter()
            .any(|word| violation.what.contains(word))
    });
    about.map(|violation| violation.id).collect()
}

#[test]
fn what_purchasing_says_of_itself_is_compared_by_the_scan() {
    assert_eq!(told_of_purchasing(|_| ()), Vec::<&str>::new());
    let lost = |store: &mut Store| store.put_inbound(SkuIx(0), NodeIx(300), None);
    assert_eq!(told_of_purchasing(lost), ["I1"]);
    let unheld = |store: &mut Store| {
        let order = PurchaseOrder { hold: None, ..purchase_order() };
        store.put_purchase_order(PurchaseOrderKey::of("PO-4711"), order);
    };
    assert_eq!(told_of_purchasing(unheld), ["I1"], "nothing says what it brings");
    let over = |store: &mut Store| {
        let mut order = purchase_order();
        order.lines[0].billed = 7_000;
        store.put_purchase_order(PurchaseOrderKey::of("PO-4711"), order);
    };
    assert_eq!(told_of_purchasing(over), ["L21"]);
    let late = |store: &mut Store| {
        let record = Supplier { on_time: 10_000, ..supplier() };
        store.put_supplier(SupplierKey::of("acme", "north"), record);
    };
    assert_eq!(told_of_purchasing(late), ["L21"]);
    let eternal = |store: &mut Store| {
        store.remove_timer(supplier_item().feed.and_then(|feed| feed.timer()).expect("it ends"));
    };
    assert_eq!(told_of_purchasing(eternal), ["I6"]);
}

#[test]
fn a_checkpoint_that_was_not_flushed_is_not_there_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let copied = folder.path().with_extension("killed");
    let backend = RocksBackend::open(folder.path()).expect("a store");
    let images = one_of_each(Arc::new(Nowhere)).end_epoch();
    let checkpoint = Checkpoint::new(vec![images], b"here".to_vec());
    // What a kill between batch and flush leaves behind is a copy of the folder at that moment.
    backend.write(&checkpoint, &|| copy(folder.path(), &copied)).expect("a checkpoint");
    drop(backend);
    let killed = RocksBackend::open(&copied).expect("what the kill left");
    assert_eq!(dump(&killed), "");
    drop(killed);
    let whole = RocksBackend::open(folder.path()).expect("the flushed one");
    assert!(dump(&whole).contains("order "));
    std::fs::remove_dir_all(&copied).expect("a clean-up");
}

/// A backend that holds nothing and takes nothing.
struct Nowhere;

impl Backend for Nowhere {
    fn get(&self, _: Table, _: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(None)
    }
    fn scan(
        &self,
        _: Table,
        _: &[u8],
        _: &[u8],
        _: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        Ok(())
    }
    fn write(&self, _: &Checkpoint, _: &dyn Fn()) -> Result<(), StateError> {
        unreachable!("nothing is written here")
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_name() != "LOCK" {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Stock(u32, u32, i64),
    Ledger(u32, u32, i64),
    Transfer(u8, bool),
    Order(u8, u32),
    Change(u8),
    Enqueue(u8),
    Dequeue(u8),
    Hold(u8, i64),
    EndSoftHold(u8),
    Scorecard(u8, i32),
    Remember(u8, u8),
    Advance(u8),
    RollBack,
    EndEpoch,
    Checkpoint,
    Reopen,
}

fn an_operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    prop_oneof![
        6 => (0u32..6, 0u32..3, 0i64..100).prop_map(|(s, n, q)| Stock(s, n, q)),
        4 => (0u32..6, 0u32..3, 0i64..100).prop_map(|(s, n, q)| Ledger(s, n, q)),
        3 => (0u8..4, any::<bool>()).prop_map(|(t, open)| Transfer(t, open)),
        4 => (0u8..20, 0u32..3).prop_map(|(o, p)| Order(o, p)),
        6 => (0u8..20).prop_map(Change),
        4 => (0u8..20).prop_map(Enqueue),
        3 => (0u8..20).prop_map(Dequeue),
        4 => (0u8..8, 0i64..4).prop_map(|(h, t)| Hold(h, t)),
        3 => (0u8..8).prop_map(EndSoftHold),
        3 => (0u8..3, 0i32..9).prop_map(|(n, day)| Scorecard(n, day)),
        5 => (any::<u8>(), 0u8..3).prop_map(|(i, c)| Remember(i, c)),
        2 => any::<u8>().prop_map(Advance),
        2 => Just(RollBack),
        5 => Just(EndEpoch),
        3 => Just(Checkpoint),
        1 => Just(Reopen),
    ]
}

/// One store under test, with the images that no checkpoint holds yet.
struct Subject {
    store: Store,
    waiting: Vec<Arc<Images>>,
    clock: i64,
    /// Memory for about this many bytes of rows.
    cache: usize,
}

impl Subject {
    fn over(backend: Arc<dyn Backend>, cache: usize) -> Self {
        let mut store = Store::open(backend, cache).expect("a store");
        store.begin_step();
        store.put_settings(settings());
        for name in ["a", "b", "c"] {
            let next = NodeIx(store.nodes().len() as u32);
            store.put_node(next, node(name));
        }
        for sku in 0..6 {
            store.put_item(SkuIx(sku), item(&format!("s{sku}")));
        }
        let mut subject = Subject { store, waiting: Vec::new(), clock: NOW, cache };
        subject.checkpoint();
        subject
    }

    fn end_epoch(&mut self) {
        let images = self.store.end_epoch();
        self.waiting.push(images);
        self.store.begin_step();
    }

    fn checkpoint(&mut self) {
        self.end_epoch();
        let checkpoint = Checkpoint::new(std::mem::take(&mut self.waiting), b"p".to_vec());
        self.store.backend().write(&checkpoint, &|| ()).expect("a checkpoint");
        let epoch = self.store.epoch();
        self.store.flushed(epoch);
    }

    /// Applies one operation; what it read comes back for comparison.
    fn apply(&mut self, operation: &Operation) -> String {
        let name = |o: &u8| format!("o{o}");
        let key_of = |o: &u8| OrderKey::of("web", &name(o));
        let place = |o: &u8| WaitingKey {
            sku: SkuIx(u32::from(*o) % 6),
            rank: u32::from(*o) % 3,
            placed_step: u64::from(*o),
        };
        match operation {
            Operation::Stock(sku, node, units) => {
                let (sku, node) = (SkuIx(*sku), NodeIx(*node));
                let before = self.store.stock_at(sku, node);
                self.store.put_stock(sku, node, stock(*units));
                format!("{before:?}")
            }
            Operation::Ledger(sku, node, units) => {
                let (sku, node) = (SkuIx(*sku), NodeIx(*node));
                let before = self.store.ledger(sku, node).cloned();
                self.store.put_ledger(sku, node, Ledger { weekly_sales: *units, ..ledger() });
                format!("{before:?}")
            }
            Operation::Transfer(number, open) => {
                let key = TransferKey::of(&format!("t{number}"));
                let before = self.store.transfer(key).cloned();
                self.store.put_transfer(key, open.then(transfer));
                format!("{before:?}")
            }
            Operation::Order(o, priority) => {
                let before = self.store.order(key_of(o)).cloned();
                self.store.put_order(key_of(o), order(&name(o), *priority));
                format!("{before:?}")
            }
            Operation::Change(o) => {
                let mut seen = None;
                self.store.change_order(key_of(o), &mut |order| {
                    order.decisions += 1;
                    seen = Some(order.decisions);
                });
                format!("{seen:?}")
            }
            Operation::Enqueue(o) => {
                self.store.enqueue(place(o), key_of(o));
                format!("{:?}", self.store.next_waiting(place(o).sku, None))
            }
            Operation::Dequeue(o) => {
                self.store.dequeue(place(o));
                format!("{:?}", self.store.next_waited_sku(None))
            }
            Operation::Hold(h, later) => {
                let hold = SoftHold { hold_id: name(h), expires_at: NOW + later, ..soft_hold() };
                let before = self.store.soft_hold(hold.key()).cloned();
                self.store.put_timer(hold.timer(), hold.key().0);
                self.store.put_soft_hold(hold.key(), hold);
                format!("{before:?}")
            }
            Operation::EndSoftHold(h) => {
                self.store.remove_soft_hold(SoftHoldKey::of("web", &name(h)));
                let next = self.store.next_timer();
                if let Some((timer, _)) = next {
                    self.store.remove_timer(timer);
                }
                format!("{next:?}")
            }
            Operation::Scorecard(node, day) => {
                let node = NodeIx(u32::from(*node));
                let before = self.store.scorecard(node).cloned();
                let card = omnifold_domain::Scorecard { days: vec![(*day, Settled::default())] };
                self.store.put_scorecard(node, card);
                format!("{before:?}")
            }
            Operation::Remember(id, content) => {
                let id = u128::from(*id);
                let known = self.store.seen(id);
                if known.is_none() {
                    self.store.remember(id, u64::from(*content), self.clock, HORIZON);
                }
                format!("{known:?} {}", self.store.remembered())
            }
            Operation::Advance(hours) => {
                self.clock += i64::from(*hours) * 3_600_000;
                format!("{}", self.store.forget_ids(self.clock, HORIZON, 5_000))
            }
            Operation::RollBack => {
                self.store.roll_back();
                self.store.begin_step();
                String::new()
            }
            Operation::EndEpoch => {
                self.end_epoch();
                self.store.digest().to_string()
            }
            Operation::Checkpoint => {
                self.checkpoint();
                let scanned = scan(&**self.store.backend()).expect("a scan");
                assert_eq!(scanned.digest, self.store.digest(), "kept and scanned digest");
                self.store.digest().to_string()
            }
            Operation::Reopen => {
                self.checkpoint();
                let digest = self.store.digest();
                let backend = self.store.backend().clone();
                self.store = Store::open(backend, self.cache).expect("a store");
                self.store.resume(digest);
                self.store.begin_step();
                digest.to_string()
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 100, ..ProptestConfig::default() })]

    /// The backends agree in every answer; so do a large memory and one that forgets at once.
    #[test]
    fn backends_and_cache_sizes_never_show(
        operations in prop::collection::vec(an_operation(), 1..120),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let rocks = RocksBackend::open(folder.path()).expect("a backend");
        let mut subjects = [
            Subject::over(Arc::new(MemoryBackend::default()), CACHE),
            Subject::over(Arc::new(rocks), 0),
            Subject::over(Arc::new(MemoryBackend::default()), 4_000),
        ];
        for operation in operations.iter().chain(&[Operation::Checkpoint, Operation::Reopen]) {
            let [first, second, third] = subjects.each_mut().map(|subject| subject.apply(operation));
            prop_assert_eq!(&first, &second, "{:?}", operation);
            prop_assert_eq!(&first, &third, "{:?}", operation);
        }
        let [first, second, third] = subjects.each_ref().map(|s| dump(&**s.store.backend()));
        prop_assert_eq!(&first, &second);
        prop_assert_eq!(&first, &third);
    }

    /// A step that is taken back leaves rows and digest as they were, whatever it did.
    #[test]
    fn a_step_taken_back_never_was(
        before in prop::collection::vec(an_operation(), 0..40),
        undone in prop::collection::vec(an_operation(), 1..20),
    ) {
        let within_a_step = |operation: &&Operation| !matches!(
            operation,
            Operation::RollBack | Operation::EndEpoch | Operation::Checkpoint
                | Operation::Reopen | Operation::Remember(..) | Operation::Advance(_)
        );
        let mut subject = Subject::over(Arc::new(MemoryBackend::default()), 4_000);
        for operation in &before {
            subject.apply(operation);
        }
        subject.checkpoint();
        let (digest, rows) = (subject.store.digest(), dump(&**subject.store.backend()));
        for operation in undone.iter().filter(within_a_step) {
            subject.apply(operation);
        }
        subject.apply(&Operation::RollBack);
        subject.checkpoint();
        prop_assert_eq!(subject.store.digest(), digest);
        prop_assert_eq!(dump(&**subject.store.backend()), rows);
    }
}

/// I7: whatever was written, memory holds what it may hold, once a checkpoint has the rest.
#[test]
fn memory_does_not_grow_with_history() {
    let mut subject = Subject::over(Arc::new(MemoryBackend::default()), 90_000);
    let mut most = 0;
    for round in 0..200u32 {
        for place in 0..100u32 {
            let row = order(&format!("o{round}.{place}"), 1);
            subject.store.begin_step();
            subject.store.put_order(row.key(), row);
            let id = u128::from(round * 100 + place);
            subject.store.remember(id, 1, NOW + i64::from(round) * 60_000, HORIZON);
        }
        subject.checkpoint();
        subject.end_epoch();
        let figures = subject.store.figures();
        most = most.max(figures.orders);
        assert_eq!(figures.unflushed_ids, 0, "ids rest in the backend");
    }
    assert!(most <= 200, "{most} orders in memory, two rounds at most are due");
    assert_eq!(subject.store.remembered(), 20_000);
}
