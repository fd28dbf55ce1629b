//! The bytes of every kind of row, which later builds must go on reading; and the two backends under
//! the same operations, with the digest kept step by step against the digest of a scan.

use std::sync::Arc;

use omnifold_domain::parcel::{Content, Entry, Tracking};
use omnifold_domain::{
    ActivePolicy, AskedBack, Capacity, Carrier, CarrierKey, Channel, Deadlines, Due, Fulfilment,
    FulfilmentLine, FulfilmentState, Handling, HeldUnits, Hold, Item, Ledger, Line, LineDetails,
    LineProgress, Location, Movement, MovementKind, Node, NodeDay, NodeIx, Order, OrderDetails,
    OrderKey, PackedParcel, Parcel, ParcelKey, Payment, Progress, Return, ReturnKey, ReturnLine,
    ReturnState, SafetyStock, Settings, SkuIx, SoftHold, SoftHoldKey, State as _, Stock, Timing,
    Transfer, TransferKey, View as _, WaitingKey,
};
use omnifold_state::{
    Backend, Checkpoint, Images, MemoryBackend, RocksBackend, StateError, Store, Table, scan,
};
use proptest::prelude::*;

const CACHE: usize = 1 << 20;
const HORIZON: i64 = 604_800_000;
const NOW: i64 = 1_748_858_400_000;

const DEADLINES: Deadlines = Deadlines { accept_within_ms: 900_000, pick_within_ms: 7_200_000 };

fn settings() -> Settings {
    Settings {
        events_clock: true,
        currency: "EUR".into(),
        allow_partial: true,
        wait: true,
        explanation: 1,
        dedupe_horizon_ms: HORIZON,
        max_ahead_ms: 5_000,
        solver_steps: 200_000,
        rules_version: 1,
        channels: [("web".to_owned(), Channel { nodes: vec![NodeIx(0)], threshold: 3_000 })].into(),
        return_window_ms: 2_592_000_000,
        worst_return_condition: 2,
        return_fee: 495,
        max_parcel_g: 31_500,
        payment: 2,
        asks_release: true,
        deadlines: DEADLINES,
        cancel_waiting_after_ms: 86_400_000,
        policy: Some(Box::new(policy())),
    }
}

fn node(id: &str) -> Node {
    Node {
        id: id.into(),
        name: "Berlin Mitte".into(),
        kind: 2,
        location: Some(Location { lat_e6: 52_520_008, lon_e6: -13_404_954 }),
        country: "DE".into(),
        enabled: true,
        takes_returns: true,
        deadlines: DEADLINES,
        capacity: Some(Box::new(Capacity { zone: "Europe/Berlin".into(), orders_per_day: 200 })),
    }
}

fn item(sku: &str) -> Item {
    Item { sku: sku.into(), name: "Green tea 500 g".into(), scale: 3, final_sale: true }
}

fn stock(on_hand: i64) -> Stock {
    Stock {
        on_hand,
        allocated: 2_000,
        held: 3_000,
        quarantine: 1,
        shipped: 300_000,
        aside: 6_000,
        entered: on_hand + 306_001,
        buffer: 7,
        backorder_limit: 9,
        flagged_out: true,
        counted_as_of: NOW,
    }
}

fn ledger() -> Ledger {
    Ledger {
        in_transit: 1_000,
        written_off: 2_000,
        returned_to_supplier: 3_000,
        safety: Some(SafetyStock { absolute: 7, percent: 10, weeks_milli: 1_500 }),
        weekly_sales: 40_000,
        recent: vec![
            Movement { time_ms: NOW - 1, delta: -1_000, kind: MovementKind::Shipped },
            Movement {
                time_ms: NOW,
                delta: 1,
                kind: MovementKind::Counted { net: true, reason: 3 },
            },
            Movement { time_ms: NOW + 1, delta: -300, kind: MovementKind::Moved },
        ],
        physical_as_of: NOW - 50,
        forgotten_until: Some(NOW - 100),
    }
}

fn transfer() -> Transfer {
    Transfer {
        id: "T-9".into(),
        from: NodeIx(0),
        to: NodeIx(300),
        under_way: vec![(SkuIx(0), 1_000)],
    }
}

fn progress() -> Progress {
    let line = LineProgress { picked: 1_000, undelivered: 500, returned: 500 };
    let parcel = PackedParcel {
        id: "P1".into(),
        weight_g: 900,
        backordered: true,
        contents: vec![(0, 1_000)],
    };
    Progress { lines: vec![line], packed: vec![parcel], parcels: vec![ParcelKey(9)] }
}

fn details() -> OrderDetails {
    OrderDetails {
        pickup: true,
        not_found_at: vec![(SkuIx(0), NodeIx(1))],
        arrived_at: NOW,
        recalled_at: NOW,
        lines: vec![LineDetails {
            line: 0,
            discount: 100,
            tax: 7,
            announced: 500,
            repaid_units: 500,
            repaid: 600,
        }],
        returns: vec![ReturnKey(3)],
    }
}

fn parcel() -> Parcel {
    let entry = Entry {
        at: NOW,
        status: 4,
        code: "IT".into(),
        carrier: "dhl".into(),
        place: "Lyon".into(),
    };
    Parcel {
        carrier: "dhl".into(),
        tracking_number: "JD0146".into(),
        order: OrderKey(7),
        part_of: Some(ParcelKey(8)),
        parcel_id: "P1".into(),
        manifest_id: "M1".into(),
        weight_g: 900,
        contents: vec![Content { fulfilment: 0, line: 0, units: 1_000 }],
        legs: vec![ParcelKey(9)],
        tracking: Tracking {
            status: 4,
            status_at: NOW,
            picked_up_at: Some(NOW),
            delivered_at: Some(NOW),
            history: vec![entry],
            forgotten: 1,
        },
    }
}

fn a_return() -> Return {
    Return {
        order: OrderKey(7),
        return_id: "R1".into(),
        state: ReturnState::PartlyReceived,
        requested_at: NOW,
        from: Some(Location { lat_e6: -1, lon_e6: 1 }),
        node: Some(NodeIx(0)),
        replacement: Some("1001/R1".into()),
        fee_taken: true,
        lines: vec![ReturnLine { line: 0, units: 1_000, received: 500, response: 3, condition: 4 }],
        to_inspect: vec![(NodeIx(0), 0, 500)],
    }
}

fn policy() -> ActivePolicy {
    ActivePolicy {
        name: "nearest".into(),
        version: 2,
        hash: "6c62272e07bb014262b821756295c58d".into(),
        document: "name = \"nearest\"".into(),
        valid_from: 1_735_689_600_000,
        valid_until: i64::MAX,
    }
}

fn carrier() -> Carrier {
    Carrier { id: "dhl".into(), name: "DHL".into(), codes: vec![("IT".into(), 4)] }
}

fn handling() -> Handling {
    let hold = Hold { id: "risk-7".into(), reason: 1, fulfilment: 2 };
    let payment = Payment { id: "card-1".into(), authorised: 900, captured: 400, refunded: 100 };
    Handling {
        holds: vec![hold],
        soft_hold: Some(SoftHoldKey::of("web", "cart-6")),
        due: Some(Due { rule: 2, charges: -5 }),
        payments: vec![payment],
        asked_back: vec![AskedBack { fulfilment: 0, line: 0, units: 1_000 }],
        delivery: vec![32, 1],
    }
}

fn order(order_id: &str, priority: u32) -> Order {
    let line = Line {
        line_id: "1".into(),
        sku: SkuIx(0),
        ordered: 5_000,
        open: 1_000,
        waiting: 1_000,
        allocated: 1_000,
        shipped: 2_000,
        delivered: 500,
        cancelled: 1_000,
        undelivered: 500,
        returned: 500,
        unit_price: 1_299,
    };
    let held = FulfilmentLine {
        line: 0,
        allocated: 1_000,
        backordered: 1_000,
        shipped: 2_000,
        delivered: 500,
    };
    Order {
        channel: "web".into(),
        order_id: order_id.into(),
        revision: 1,
        decisions: 3,
        placed_step: 77,
        placed_at: NOW,
        priority,
        destination: Some(Location { lat_e6: -1, lon_e6: 1 }),
        allow_partial: true,
        fulfil_from: vec![NodeIx(0)],
        excluded: vec![NodeIx(300)],
        lines: vec![line],
        fulfilments: vec![Fulfilment {
            node: NodeIx(0),
            state: FulfilmentState::PartlyShipped,
            seq: 2,
            lines: vec![held],
            progress: Some(Box::new(progress())),
            due_at: NOW + 900_000,
        }],
        details: Some(Box::new(details())),
        handling: Some(Box::new(handling())),
        timing: Some(Box::new(Timing { release_at: NOW + 1, waiting_until: NOW + 2 })),
    }
}

fn soft_hold() -> SoftHold {
    SoftHold {
        channel: "web".into(),
        hold_id: "cart-7".into(),
        step: 78,
        expires_at: NOW + 420_000,
        units: vec![HeldUnits { sku: SkuIx(0), node: NodeIx(0), quantity: 3_000 }],
    }
}

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
    store.put_node_day(NodeIx(0), NodeDay { day: 20_241, orders: 17 });
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
    assert_eq!(read.node_day(NodeIx(0)), NodeDay { day: 20_241, orders: 17 });
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
    assert_eq!(whole(|_, transfer, _| transfer.under_way.clear()), 1);
    assert_eq!(whole(|_, _, stock| stock.aside += 1), 2, "the row, and its ledger");
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
