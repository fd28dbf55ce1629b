//! One row of every table, every field filled in.

use omnifold_domain::policy::ServeBy;

use super::*;

pub const DEADLINES: Deadlines = Deadlines { accept_within_ms: 900_000, pick_within_ms: 7_200_000 };

pub fn settings() -> Settings {
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
        channels: [("web".to_owned(), channel())].into(),
        return_window_ms: 2_592_000_000,
        worst_return_condition: 2,
        return_fee: 495,
        max_parcel_g: 31_500,
        payment: 2,
        asks_release: true,
        deadlines: DEADLINES,
        cancel_waiting_after_ms: 86_400_000,
        max_closed_ms: 43_200_000,
        notices: 6,
        pickup_expires_after_ms: 604_800_000,
        pickup_reminder_after_ms: 259_200_000,
        supplies_pickups: true,
        return_expires_after_ms: 1_209_600_000,
        policy: Some(Box::new(policy())),
        reserves: true,
        promise: Some(Box::new(promise_rules())),
    }
}

pub fn channel() -> Channel {
    let groups = vec!["stores".into()];
    let nodes = vec![NodeIx(0), NodeIx(1)];
    Channel { named: vec![NodeIx(0)], groups, nodes, threshold: 3_000 }
}

pub fn node(id: &str) -> Node {
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
        opening: Some(Box::new(opening())),
        absence: Some(Box::new(Absence::Paused { reason: "strike".into(), until_ms: NOW + 5 })),
        sla: vec![SlaTerms {
            since: NOW,
            days: 2,
            zone: "Europe/Berlin".into(),
            weekdays: 31,
            off: vec![20_248],
        }],
        groups: vec!["stores".into()],
    }
}

pub fn opening() -> Opening {
    let mut week: [Vec<Hours>; 7] = Default::default();
    week[0] = vec![Hours { opens: 540, closes: 1_020 }];
    Opening {
        zone: "Europe/Berlin".into(),
        week,
        special: vec![(20_241, vec![])],
        cut_off: Some(900),
        processing_ms: 3_600_000,
    }
}

pub fn item(sku: &str) -> Item {
    let component = Component { sku: SkuIx(1), quantity: 2_000 };
    let kit = Kit { components: vec![component], assembled_first: true, may_split: true };
    Item {
        sku: sku.into(),
        name: "Green tea 500 g".into(),
        scale: 3,
        final_sale: true,
        kit: Some(Box::new(kit)),
        part_of: vec![SkuIx(300)],
        purchase: Some(Box::new(Replenishment {
            supplier: "acme".into(),
            multiple: 6_000,
            waiting: 2_000,
            told: 6_000,
        })),
        has_lots: true,
        weight_g: 500,
        serialised: true,
    }
}

pub fn stock(on_hand: i64) -> Stock {
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

pub fn ledger() -> Ledger {
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
        reserved: vec![("web".into(), 4_000)],
        markdown: Some(Markdown { amount: 500, until: NOW + 4 }),
        suggested: 2_000,
    }
}

pub fn transfer() -> Transfer {
    Transfer {
        id: "T-9".into(),
        from: NodeIx(0),
        to: NodeIx(300),
        under_way: vec![(SkuIx(0), 1_000)],
        expected_at: NOW + 3,
        lots: vec![(SkuIx(0), lot_id(), 1_000)],
        serials: vec![(SkuIx(0), SerialKey::of(SkuIx(0), "SN-2"))],
        awaited: vec![(SkuIx(0), 500)],
    }
}

pub fn purchase_order() -> PurchaseOrder {
    let line = PurchaseLine {
        line_id: "1".into(),
        sku: SkuIx(0),
        ordered: 10_000,
        unit_price: 420,
        due_at: NOW + 4,
        acknowledged: Some(Acknowledged { units: 9_000, unit_price: 430, due_at: NOW + 5 }),
        received: 6_000,
        accepted: 3_000,
        on_time: 6_000,
        billed: 2_000,
    };
    let arrived = ReceiptLine {
        line: Some(0),
        sku: SkuIx(0),
        accepted: 3_000,
        damaged: 2_000,
        refused: 1_000,
        on_time: true,
        announced: vec![(0, 4_000)],
        units: Some(Box::new(ReceivedUnits {
            lot: Some(lot_id()),
            serials: vec![SerialKey::of(SkuIx(0), "SN-1")],
        })),
    };
    PurchaseOrder {
        id: "PO-4711".into(),
        supplier: "acme".into(),
        company: "north".into(),
        node: NodeIx(0),
        state: PurchaseOrderState::PartlyReceived,
        hold: Some("audit".into()),
        terms: PurchaseTerms {
            receipt_allowance: 50,
            billing_basis: 2,
            billing_allowance: 20,
            price_tolerance: 10,
        },
        due_at: NOW + 6,
        lines: vec![line],
        notices: vec![ShipNotice {
            id: "ASN-7".into(),
            expected_at: NOW + 7,
            lines: vec![NoticeLine { line: 0, announced: 5_000, arrived: 4_000 }],
        }],
        receipts: vec![Receipt {
            id: "GR-9".into(),
            at: NOW,
            reversed: false,
            lines: vec![arrived],
        }],
        invoices: vec![Invoice {
            id: "INV-88".into(),
            result: 2,
            lines: vec![InvoiceLine { line: 0, units: 3_000, unit_price: 430, payable: 2_000 }],
        }],
    }
}

pub fn lot_id() -> LotId {
    LotId { name: "L-24-7".into(), expires_on: Some(20_300), ends_at: NOW + 600_000 }
}

/// What the order of these rows is promised of it.
pub fn lots() -> Lots {
    let orders = vec![(order("1001", 3).key(), 1_000)];
    let (on_hand, quarantine, promised) = (5_000, 1, 1_000);
    Lots { rows: vec![Lot { id: lot_id(), on_hand, quarantine, promised, orders }] }
}

pub fn supplier() -> Supplier {
    let (id, company) = ("acme".to_owned(), "north".to_owned());
    Supplier { id, company, ordered: 10_000, on_time: 6_000 }
}

/// The transfer of these rows goes to another node.
pub fn inbound() -> Inbound {
    Inbound { rows: vec![(NOW + 3, Source::Transfer("T-9".into()), 1_000)] }
}

pub fn supplier_item() -> SupplierItem {
    let feed = StockFeed { step: 80, units: 5_000, as_of: NOW, stale_at: NOW + 14_400_000 };
    let supplier_sku = "AC-0815".to_owned();
    SupplierItem { supplier_sku, unit_cost: Some(410), withdrawn: true, feed: Some(feed) }
}

pub fn progress() -> Progress {
    let line = LineProgress { picked: 1_000, undelivered: 500, returned: 500, at_node: 250 };
    let parcel = PackedParcel {
        id: "P1".into(),
        weight_g: 900,
        backordered: true,
        contents: vec![(0, 1_000)],
    };
    let (parcels, send_to) = (vec![ParcelKey(9)], Some(NodeIx(1)));
    Progress { lines: vec![line], packed: vec![parcel], parcels, send_to, missed_units: true }
}

pub fn scorecard() -> Scorecard {
    let settled = Settled { kept: 300, late: 2, rejected: 3, timed_out: 4, short: 5 };
    Scorecard { days: vec![(20_240, settled), (20_241, Settled::default())] }
}

pub fn details() -> OrderDetails {
    OrderDetails {
        pickup: true,
        gathers_at: Some(NodeIx(1)),
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
            price_for: 2_000,
        }],
        returns: vec![ReturnKey(3)],
        tickets: vec![Ticket { number: 2, kind: 1, fulfilment: 1 }],
        tickets_opened: 2,
        feedback: vec![Feedback { id: "R1".into(), score: 4 }],
        kits: vec![KitLine {
            line_id: "k".into(),
            sku: SkuIx(0),
            may_split: true,
            parts: vec![KitPart { line: 0, per_kit: 2_000 }],
        }],
        substitutes: vec![Substitutes { line: 0, skus: vec![SkuIx(1)], ordered: Some(SkuIx(300)) }],
        moves: vec![SuggestedMove {
            sku: SkuIx(0),
            from: NodeIx(1),
            to: NodeIx(0),
            units: 2_000,
            under_way: 1_000,
        }],
        slas: vec![SlaClock {
            fulfilment: 0,
            started_at: NOW,
            due_at: NOW + 180_000_000,
            breached: true,
            cancelled_at: NOW + 1,
        }],
        serials: vec![SerialShare {
            fulfilment: 0,
            line: 0,
            serial: SerialKey::of(SkuIx(0), "SN-3"),
        }],
        lots: vec![LotShare {
            fulfilment: 0,
            line: 0,
            lot: lot_id(),
            promised: 1_000,
            shipped: 500,
        }],
        class: Some(Box::new(OrderClass {
            seller: "acme".into(),
            order_type: "wholesale".into(),
            segment: "loyal".into(),
            country: "DE".into(),
            postcode: "10".into(),
        })),
    }
}

pub fn parcel() -> Parcel {
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
        to_node: Some(NodeIx(1)),
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

pub fn a_return() -> Return {
    Return {
        order: OrderKey(7),
        return_id: "R1".into(),
        state: ReturnState::PartlyReceived,
        requested_at: NOW,
        from: Some(Location { lat_e6: -1, lon_e6: 1 }),
        node: Some(NodeIx(0)),
        replacement: Some("1001/R1".into()),
        fee_taken: true,
        requested_step: 90,
        expires_at: NOW + 7,
        lines: vec![ReturnLine { line: 0, units: 1_000, received: 500, response: 3, condition: 4 }],
        to_inspect: vec![(NodeIx(0), 0, 500)],
        serials_to_inspect: vec![(NodeIx(0), 0, SerialKey::of(SkuIx(0), "SN-1"))],
    }
}

pub fn policy() -> ActivePolicy {
    ActivePolicy {
        name: "nearest".into(),
        version: 2,
        hash: "6c62272e07bb014262b821756295c58d".into(),
        document: "name = \"nearest\"".into(),
        valid_from: 1_735_689_600_000,
        valid_until: i64::MAX,
        asks_place: true,
        serve_by: vec![ServeBy::Wanted, ServeBy::Priority],
        has_waves: true,
    }
}

pub fn carrier() -> Carrier {
    Carrier { id: "dhl".into(), name: "DHL".into(), codes: vec![("IT".into(), 4)] }
}

pub fn handling() -> Handling {
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

pub fn order(order_id: &str, priority: u32) -> Order {
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
        timing: Some(Box::new(timing())),
    }
}

pub fn timing() -> Timing {
    Timing {
        release_at: NOW + 1,
        waiting_until: NOW + 2,
        remind_at: NOW + 3,
        ready_until: NOW + 4,
        retry_at: NOW + 5,
        for_wave: true,
        schedule_at: NOW + 6,
    }
}

pub fn soft_hold() -> SoftHold {
    SoftHold {
        channel: "web".into(),
        hold_id: "cart-7".into(),
        step: 78,
        expires_at: NOW + 420_000,
        units: vec![HeldUnits { sku: SkuIx(0), node: NodeIx(0), quantity: 3_000 }],
    }
}

pub fn prices(price: i64) -> ShadowPrices {
    ShadowPrices { from: NOW, until: NOW + 3_600_000, nodes: vec![(NodeIx(0), price)] }
}

pub fn promise_rules() -> PromiseRules {
    PromiseRules {
        zone: "Europe/Berlin".into(),
        learned: Some(LEARNED),
        calendar: Some(DeliveryCalendar {
            handling: (0, 1),
            transit: (3, 5),
            moves: 0b11_1111,
            delivery: DeliveryDays { weekdays: 0b1_1111, off: vec![20_447] },
            days_only: false,
        }),
    }
}

const LEARNED: promise::Settings =
    promise::Settings { late_ppm: 50_000, early_ppm: 25_000, spending: promise::Spending::Thrifty };

/// An order's promise, and with it the rows that are learned from its like.
pub fn order_promise(store: &mut Store) -> OrderPromise {
    let day = 20_000;
    let at =
        |days: i32| promise::Moment { ms: i64::from(day + days) * 86_400_000, day: day + days };
    let facts = promise::Facts {
        node: 3,
        origin: 7,
        areas: [75, 750, 75_011],
        distance_m: 182_000,
        weight_g: 900,
        nodes: 1,
        units: 2,
    };
    for number in 0..240 {
        let mut open = promise::Open::placed(store, LEARNED, facts, at(number));
        open.handed_over(store, LEARNED, at(number + 1));
        open.delivered(store, LEARNED, at(number + 3 + number % 5));
    }
    let mut open = promise::Open::placed(store, LEARNED, facts, at(250));
    let promised = open.promised().expect("enough is known");
    open.handed_over(store, LEARNED, at(251));
    let made = promise::Made { day: day + 250, promised, kind: promise::PromiseKind::Learned };
    OrderPromise {
        placed_step: 77,
        areas: facts.areas,
        given: Some(promise::Given {
            promised,
            source: 1,
            level: 4,
            deliveries: 239,
            late_ppm: 50_000,
            node: NodeIx(3),
            made_at: at(250).ms,
        }),
        first: Some(made),
        expected: Some(promise::Made { kind: promise::PromiseKind::HandedOver, ..made }),
        moved: 1,
        decided: (90_001, 2),
        open: Some(open),
        fate: promise::Fate::Open,
        due_at: 1_900_000_000_000,
    }
}

/// Where the serial numbers of these rows are: on the shelf, on a transfer, with the order.
pub fn serials() -> Vec<Serial> {
    let stop = |place, by| Stop { place, by, at_ms: NOW };
    let order = order("1001", 3).key();
    let shipped = SerialPlace::Shipped { order, fulfilment: 0, line: 0 };
    let on_hand = || stop(SerialPlace::OnHand(NodeIx(0)), SerialEvent::Received);
    let row = |serial: &str, stops| Serial { sku: SkuIx(0), serial: serial.into(), stops };
    vec![
        row("SN-1", vec![on_hand()]),
        row("SN-2", vec![stop(SerialPlace::InTransit("T-9".into()), SerialEvent::Dispatched)]),
        row("SN-3", vec![on_hand(), stop(shipped, SerialEvent::Shipped)]),
    ]
}

pub fn serial_shelf() -> SerialShelf {
    SerialShelf { on_hand: vec![SerialKey::of(SkuIx(0), "SN-1")], quarantine: Vec::new() }
}
