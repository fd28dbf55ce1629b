//! Every event on every state of a purchase order does what the table of transitions says.

use std::sync::Arc;

use omnifold_domain::fold::{Context, fold};
use omnifold_domain::transitions::{PURCHASE_ORDER, PURCHASE_ORDER_EVENTS, PurchaseOrderEvent};
use omnifold_domain::{
    PurchaseOrder, PurchaseOrderKey, PurchaseOrderState, Reason, State as _, rules,
};
use omnifold_events::{Event, v1};
use omnifold_state::{MemoryBackend, Store};

const TEN: i64 = 1_748_858_400_000;
const UNIT: i64 = 1_000;

/// A purchase order of three units that may be delivered twice over, in a market of its own.
struct Desk {
    store: Store,
    step: u64,
    receipts: u32,
}

impl Desk {
    fn issued() -> Self {
        let store = Store::open(Arc::new(MemoryBackend::default()), 1 << 20).expect("a store");
        let mut desk = Desk { store, step: 0, receipts: 0 };
        let (node_id, sku) = ("N".to_owned(), "S".to_owned());
        let clock = v1::ClockKind::Events.into();
        let market = v1::MarketConfigured { clock, currency: "EUR".into(), ..Default::default() };
        let line = v1::PurchaseLine {
            line_id: "1".into(),
            sku: sku.clone(),
            quantity_milli: 3 * UNIT,
            unit_price: euros(100),
            due_at_ms: 0,
        };
        let terms = v1::PurchaseTerms { receipt_allowance_permille: 1_000, ..Default::default() };
        let events: [Event; 4] = [
            market.into(),
            v1::NodeDefined { node_id: node_id.clone(), ..Default::default() }.into(),
            v1::ItemDefined { sku, ..Default::default() }.into(),
            v1::PurchaseOrderIssued {
                purchase_order_id: "PO".into(),
                supplier_id: "ACME".into(),
                node_id,
                lines: vec![line],
                terms: Some(terms),
                ..Default::default()
            }
            .into(),
        ];
        for event in events {
            desk.give(event).expect("a good event");
        }
        desk
    }

    fn give(&mut self, event: impl Into<Event>) -> Result<(), Reason> {
        self.step += 1;
        self.store.begin_step();
        let time_ms = TEN + self.step as i64;
        let (step, known_rules) = (self.step, rules::KNOWN);
        let context = Context { step, time_ms, now_ms: time_ms, known_rules };
        fold(&mut self.store, context, &event.into(), &mut Vec::new())
            .map_err(|refusal| refusal.reason)
    }

    fn order(&mut self) -> PurchaseOrder {
        self.store.purchase_order(PurchaseOrderKey::of("PO")).expect("the order").clone()
    }

    fn receive(&mut self, units: i64) -> Result<(), Reason> {
        self.receipts += 1;
        let (line_id, accepted_milli) = ("1".into(), units * UNIT);
        let line = v1::ReceiptLine { line_id, accepted_milli, ..Default::default() };
        let (purchase_order_id, receipt_id) = ("PO".into(), format!("R{}", self.receipts));
        let (lines, rest) = (vec![line], Default::default());
        self.give(v1::ReceiptBooked { purchase_order_id, receipt_id, lines, ..rest })
    }

    fn reverse(&mut self, receipt: u32) -> Result<(), Reason> {
        let (purchase_order_id, receipt_id) = ("PO".into(), format!("R{receipt}"));
        self.give(v1::ReceiptReversed { purchase_order_id, receipt_id, ..Default::default() })
    }

    fn change(&mut self, units: i64) -> Result<(), Reason> {
        let quantity_milli = units * UNIT;
        let line = v1::PurchaseLine { line_id: "1".into(), quantity_milli, ..Default::default() };
        let (purchase_order_id, lines) = ("PO".into(), vec![line]);
        self.give(v1::PurchaseOrderChanged { purchase_order_id, lines, ..Default::default() })
    }

    fn bill(&mut self) -> Result<(), Reason> {
        let (line_id, quantity_milli) = ("1".into(), UNIT);
        let line = v1::InvoiceLine { line_id, quantity_milli, unit_price: euros(900) };
        let (purchase_order_id, invoice_id) = ("PO".into(), "I1".into());
        let lines = vec![line];
        let extensions = Default::default();
        self.give(v1::SupplierInvoiceReceived { purchase_order_id, invoice_id, lines, extensions })
    }

    fn release_bill(&mut self) -> Result<(), Reason> {
        let (purchase_order_id, invoice_id) = ("PO".into(), "I1".into());
        let rest = Default::default();
        self.give(v1::SupplierInvoiceReleased { purchase_order_id, invoice_id, ..rest })
    }

    fn hold(&mut self) -> Result<(), Reason> {
        let (purchase_order_id, reason) = ("PO".into(), "audit".into());
        self.give(v1::PurchaseOrderHeld { purchase_order_id, reason, ..Default::default() })
    }

    fn release(&mut self) -> Result<(), Reason> {
        let purchase_order_id = "PO".into();
        self.give(v1::PurchaseOrderHoldReleased { purchase_order_id, ..Default::default() })
    }

    fn acknowledge(&mut self) -> Result<(), Reason> {
        let purchase_order_id = "PO".into();
        self.give(v1::PurchaseOrderAcknowledged { purchase_order_id, ..Default::default() })
    }

    fn announce(&mut self) -> Result<(), Reason> {
        let (purchase_order_id, notice_id) = ("PO".into(), "A1".into());
        let lines = vec![v1::LineQuantity { line_id: "1".into(), quantity_milli: UNIT }];
        let (expected_at_ms, extensions) = (TEN + 86_400_000, Default::default());
        self.give(v1::ShipNoticeReceived {
            purchase_order_id,
            notice_id,
            expected_at_ms,
            lines,
            extensions,
        })
    }

    fn close(&mut self) -> Result<(), Reason> {
        let purchase_order_id = "PO".into();
        self.give(v1::PurchaseOrderClosed { purchase_order_id, ..Default::default() })
    }

    fn cancel(&mut self) -> Result<(), Reason> {
        let purchase_order_id = "PO".into();
        self.give(v1::PurchaseOrderCancelled { purchase_order_id, ..Default::default() })
    }
}

fn euros(minor: i64) -> Option<v1::Money> {
    Some(v1::Money { minor, currency: "EUR".into() })
}

/// An order in that state, prepared for what is to happen: receipts that can be reversed, a bill that
/// is in dispute, a hold that can be released. `None`: the event cannot happen there at all.
fn in_state(state: PurchaseOrderState, event: PurchaseOrderEvent) -> Option<Desk> {
    use PurchaseOrderEvent as E;
    use PurchaseOrderState as S;
    let mut desk = Desk::issued();
    if event == E::ReleaseBill {
        desk.bill().expect("a bill before anything came");
    }
    let receipts: &[i64] = match (state, event) {
        (S::Issued | S::Acknowledged, E::ChangeRest) => return None,
        (S::Issued | S::Acknowledged | S::Cancelled, _) => &[],
        (S::PartlyReceived, E::ReversePart) => &[1, 1],
        (S::PartlyReceived | S::Closed, E::ChangeRest) => &[2],
        (S::PartlyReceived, E::ReverseExcess) => return None,
        (S::PartlyReceived, _) => &[1],
        (S::Received, E::ReversePart) | (S::Closed, E::ReversePart) => &[2, 1],
        (S::Received, E::ReverseExcess) | (S::Closed, E::ReverseExcess) => &[1, 3],
        (S::Received, E::ReceivePart) => return None,
        (S::Received, _) => &[3],
        (S::Closed, _) => &[2],
    };
    for &units in receipts {
        desk.receive(units).expect("goods");
    }
    match state {
        S::Acknowledged => desk.acknowledge().expect("a promise"),
        S::Closed => desk.close().expect("an end"),
        S::Cancelled => desk.cancel().expect("an end"),
        S::Issued | S::PartlyReceived | S::Received => {}
    }
    if event == E::Release && state.is_open() {
        desk.hold().expect("a hold");
    }
    assert_eq!(desk.order().state, state, "before {event:?}");
    Some(desk)
}

fn happen(desk: &mut Desk, event: PurchaseOrderEvent) -> Result<(), Reason> {
    let line = desk.order().lines.remove(0);
    let left = ((line.ordered - line.received) / UNIT).max(1);
    match event {
        PurchaseOrderEvent::Acknowledge => desk.acknowledge(),
        PurchaseOrderEvent::ChangePart => desk.change(5),
        // Two units came: of a third none is wanted any more.
        PurchaseOrderEvent::ChangeRest => desk.change(2),
        PurchaseOrderEvent::Hold => desk.hold(),
        PurchaseOrderEvent::Release => desk.release(),
        PurchaseOrderEvent::Announce => desk.announce(),
        PurchaseOrderEvent::ReceivePart => desk.receive(1),
        PurchaseOrderEvent::ReceiveRest => desk.receive(left),
        PurchaseOrderEvent::ReversePart
        | PurchaseOrderEvent::ReverseRest
        | PurchaseOrderEvent::ReverseExcess => desk.reverse(1),
        PurchaseOrderEvent::Bill => desk.bill(),
        PurchaseOrderEvent::ReleaseBill => desk.release_bill(),
        PurchaseOrderEvent::Close => desk.close(),
        PurchaseOrderEvent::Cancel => desk.cancel(),
    }
}

#[test]
fn every_event_on_every_state_of_a_purchase_order_does_what_the_table_says() {
    for (state, row) in PURCHASE_ORDER {
        for (event, next) in PURCHASE_ORDER_EVENTS.into_iter().zip(row) {
            let Some(mut desk) = in_state(state, event) else {
                assert_eq!(next, Err(Reason::StandsElsewhere), "{event:?} on {state:?}");
                continue;
            };
            let before = desk.order();
            let done = happen(&mut desk, event);
            let now = desk.order();
            match next {
                Ok(next) => {
                    assert_eq!(done, Ok(()), "{event:?} on {state:?}");
                    assert_eq!(now.state, next, "{event:?} on {state:?}");
                }
                Err(reason) => {
                    assert_eq!(done, Err(reason), "{event:?} on {state:?}");
                    assert_eq!(now, before, "{event:?} on {state:?} left a trace");
                }
            }
        }
    }
}
