//! One fully populated message of every type.
#![allow(dead_code)] // each test uses its part

use std::collections::BTreeMap;

use omnifold_events::{Event, v1};
use v1::fulfilment_target::Target;

fn extensions() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("gift".to_owned(), "yes".to_owned()),
        ("till".to_owned(), "Kasse 3 – Süd".to_owned()),
    ])
}

fn line_quantity(line: &str, milli: i64) -> v1::LineQuantity {
    v1::LineQuantity { line_id: line.to_owned(), quantity_milli: milli }
}

fn by_id() -> Option<v1::FulfilmentTarget> {
    Some(v1::FulfilmentTarget { target: Some(Target::FulfilmentId("web/1001/f1".to_owned())) })
}

fn any_node() -> Option<v1::FulfilmentTarget> {
    let units = v1::AnyNode { channel: "web".to_owned(), order_id: "1001".to_owned() };
    Some(v1::FulfilmentTarget { target: Some(Target::AnyNode(units)) })
}

fn location() -> Option<v1::Location> {
    Some(v1::Location { lat_e6: -23_547_807, lon_e6: 13_404_954 })
}

fn sealed() -> v1::Sealed {
    v1::Sealed {
        key_id: "5f1c2a9b7d3e4f60".to_owned(),
        nonce: (0..24).collect(),
        ciphertext: (100..140).collect(),
    }
}

fn money(minor: i64) -> Option<v1::Money> {
    Some(v1::Money { minor, currency: "EUR".to_owned() })
}

fn destination() -> v1::Destination {
    v1::Destination {
        country: "DE".to_owned(),
        postcode_area: "10".to_owned(),
        location: location(),
        recipient: Some(sealed()),
    }
}

fn delivery() -> v1::DeliveryTerms {
    v1::DeliveryTerms {
        shipping_method: "express".to_owned(),
        requested_date: "2025-06-05".to_owned(),
        window: Some(v1::DeliveryWindow {
            from_ms: 1_749_110_400_000,
            until_ms: 1_749_124_800_000,
        }),
        gift: true,
        gift_wrap: "red".to_owned(),
        gift_message: Some(sealed()),
        note: Some(sealed()),
        destination: Some(destination()),
    }
}

fn hold() -> v1::Hold {
    v1::Hold { hold_id: "risk-7".to_owned(), reason: v1::HoldReason::Fraud.into() }
}

/// Every input event, in the order of `Event::TYPES`.
pub fn inputs() -> Vec<Event> {
    let mut all = network();
    all.extend(stock());
    all.extend(transfers());
    all.extend(orders());
    all.extend(order_changes());
    all.extend(holds());
    all.extend(payments());
    all.extend(soft_holds());
    all.extend(fulfilment());
    all.push(carrier());
    all.extend(returns());
    all.extend(work_at_nodes());
    all.extend(parcels());
    all.extend(what_comes_back());
    all.extend(answers_to_questions());
    all.extend(policies());
    all
}

fn network() -> Vec<Event> {
    vec![
        v1::MarketConfigured {
            clock: v1::ClockKind::Events.into(),
            currency: "EUR".to_owned(),
            coverage: v1::Coverage::AllowPartial.into(),
            shortage: v1::Shortage::Wait.into(),
            explanation: v1::ExplanationLevel::ChosenAndRunnerUp.into(),
            dedupe_horizon_ms: 604_800_000,
            max_ahead_ms: 5_000,
            solver_steps: 200_000,
            payment: v1::PaymentRule::Captured.into(),
            release: v1::ReleaseRule::AskOnceAccepted.into(),
            extensions: extensions(),
            return_window_ms: 2_592_000_000,
            worst_return_condition: v1::ItemCondition::Opened.into(),
            return_fee_minor: 495,
            max_parcel_g: 31_500,
            accept_within_ms: 900_000,
            pick_within_ms: 7_200_000,
            cancel_waiting_after_ms: 1_209_600_000,
        }
        .into(),
        v1::RulesActivated { version: 2, extensions: extensions() }.into(),
        v1::NodeDefined {
            node_id: "berlin-1".to_owned(),
            name: "Berlin Mitte".to_owned(),
            kind: v1::NodeKind::Store.into(),
            location: location(),
            country: "DE".to_owned(),
            disabled: true,
            extensions: extensions(),
            takes_returns: true,
            accept_within_ms: 1_800_000,
            pick_within_ms: 14_400_000,
        }
        .into(),
        v1::NodeCapacitySet {
            node_id: "berlin-1".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            orders_per_day: 200,
            extensions: extensions(),
        }
        .into(),
        v1::ItemDefined {
            sku: "tea-500".to_owned(),
            name: "Grüner Tee".to_owned(),
            scale: 3,
            extensions: extensions(),
            final_sale: true,
        }
        .into(),
        v1::StockSettingsSet {
            node_id: "berlin-1".to_owned(),
            sku: "tea-500".to_owned(),
            buffer_milli: 2_000,
            backorder_limit_milli: 10_000,
            flagged_out: true,
            buffer_percent: 10,
            buffer_weeks_milli: 1_500,
            extensions: extensions(),
        }
        .into(),
        v1::SalesRateSet {
            node_id: "berlin-1".to_owned(),
            sku: "tea-500".to_owned(),
            weekly_milli: 40_000,
            extensions: extensions(),
        }
        .into(),
        v1::ChannelDefined {
            channel: "web".to_owned(),
            nodes: vec!["berlin-1".to_owned(), "north".to_owned()],
            threshold_milli: 10_000,
            extensions: extensions(),
        }
        .into(),
    ]
}

fn stock() -> Vec<Event> {
    vec![
        v1::StockCounted {
            node_id: "berlin-1".to_owned(),
            sku: "tea-500".to_owned(),
            on_hand_milli: 95_000,
            as_of_ms: 1_748_858_400_000,
            basis: v1::CountBasis::NetOfOpenOrders.into(),
            reason: v1::CountReason::Cycle.into(),
            extensions: extensions(),
        }
        .into(),
        v1::StockAdjusted {
            node_id: "berlin-1".to_owned(),
            sku: "tea-500".to_owned(),
            delta_milli: -1_500,
            reason: v1::AdjustmentReason::Waste.into(),
            extensions: extensions(),
        }
        .into(),
        v1::StockMoved {
            node_id: "berlin-1".to_owned(),
            sku: "tea-500".to_owned(),
            quantity_milli: 2_000,
            from: v1::StockBucket::OnHand.into(),
            to: v1::StockBucket::Quarantine.into(),
            reason: v1::MoveReason::Damage.into(),
            units: units(),
            extensions: extensions(),
        }
        .into(),
        v1::StockReceived {
            node_id: "berlin-1".to_owned(),
            sku: "tea-500".to_owned(),
            quantity_milli: 12_000,
            into: v1::StockBucket::Quarantine.into(),
            reference: "DN-4711".to_owned(),
            units: units(),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn units() -> Option<v1::UnitAttributes> {
    Some(v1::UnitAttributes {
        lot: "L-2025-22".to_owned(),
        expires_on: "2026-05-31".to_owned(),
        serials: vec!["S-1".to_owned(), "S-2".to_owned()],
    })
}

fn transfers() -> Vec<Event> {
    let sku = || "tea-500".to_owned();
    vec![
        v1::TransferDispatched {
            transfer_id: "T-9".to_owned(),
            from_node: "north".to_owned(),
            to_node: "berlin-1".to_owned(),
            lines: vec![v1::TransferLine { sku: sku(), quantity_milli: 6_000 }],
            extensions: extensions(),
        }
        .into(),
        v1::TransferReceived {
            transfer_id: "T-9".to_owned(),
            lines: vec![v1::TransferReceipt {
                sku: sku(),
                quantity_milli: 4_000,
                damaged_milli: 1_000,
            }],
            closes: true,
            extensions: extensions(),
        }
        .into(),
        v1::TransferCancelled { transfer_id: "T-9".to_owned(), extensions: extensions() }.into(),
    ]
}

fn orders() -> Vec<Event> {
    let line = |line: &str, sku: &str, milli| v1::OrderLine {
        line_id: line.to_owned(),
        sku: sku.to_owned(),
        quantity_milli: milli,
        unit_price: money(1_299),
    };
    vec![
        v1::OrderPlaced {
            channel: "web".to_owned(),
            order_id: "1001".to_owned(),
            lines: vec![line("1", "tea-500", 2_000), line("2", "mug-blue", 1_000)],
            destination: Some(destination()),
            priority: 5,
            fulfil_from: vec!["berlin-1".to_owned(), "dc-north".to_owned()],
            coverage: v1::Coverage::ShipComplete.into(),
            customer_ref: "c-7f3a".to_owned(),
            pickup_node: "berlin-1".to_owned(),
            line_charges: vec![v1::LineCharges {
                line_id: "1".to_owned(),
                discount: euros(246),
                tax: euros(92),
            }],
            charges: Some(Box::new(v1::Charges {
                shipping: money(495),
                tax: money(1_010),
                discount: money(500),
            })),
            delivery: Some(Box::new(delivery())),
            extensions: extensions(),
            hold_id: "cart-7".to_owned(),
            release_at_ms: 1_748_944_800_000,
        }
        .into(),
        v1::OrderCancelled {
            channel: "web".to_owned(),
            order_id: "1001".to_owned(),
            lines: vec![line_quantity("1", 1_000), line_quantity("2", 0)],
            reason: "customer".to_owned(),
            extensions: extensions(),
            return_to_origin: true,
        }
        .into(),
    ]
}

fn order_changes() -> Vec<Event> {
    vec![
        v1::OrderResumed {
            channel: "web".to_owned(),
            order_id: "1001".to_owned(),
            lines: vec![line_quantity("1", 1_000), line_quantity("2", 0)],
            extensions: extensions(),
        }
        .into(),
        v1::OrderChanged {
            channel: "web".to_owned(),
            order_id: "1001".to_owned(),
            expected_revision: 3,
            quantities: vec![line_quantity("1", 3_000)],
            added: vec![v1::OrderLine {
                line_id: "3".to_owned(),
                sku: "spoon".to_owned(),
                quantity_milli: 1_000,
                unit_price: money(350),
            }],
            destination: Some(destination()),
            delivery: Some(Box::new(delivery())),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn holds() -> Vec<Event> {
    vec![
        v1::OrderHeld {
            channel: "web".to_owned(),
            order_id: "1001".to_owned(),
            hold_id: "risk-7".to_owned(),
            reason: v1::HoldReason::Fraud.into(),
            fulfilment: 2,
            note: "score 812".to_owned(),
            extensions: extensions(),
        }
        .into(),
        v1::OrderHoldReleased {
            channel: "web".to_owned(),
            order_id: "1001".to_owned(),
            hold_id: "risk-7".to_owned(),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn payments() -> Vec<Event> {
    let (channel, order_id) = ("web".to_owned(), "1001".to_owned());
    let payment_id = "card-1".to_owned();
    let amount = money(3_603);
    macro_rules! payment {
        ($event:ident, $field:ident) => {
            v1::$event {
                channel: channel.clone(),
                order_id: order_id.clone(),
                payment_id: payment_id.clone(),
                $field: $field.clone(),
                extensions: extensions(),
            }
            .into()
        };
    }
    let reason = "card_declined".to_owned();
    vec![
        payment!(PaymentAuthorised, amount),
        payment!(PaymentCaptured, amount),
        payment!(PaymentFailed, reason),
        payment!(PaymentVoided, amount),
        payment!(PaymentRefunded, amount),
    ]
}

fn soft_holds() -> Vec<Event> {
    vec![
        v1::StockHeld {
            channel: "web".to_owned(),
            hold_id: "cart-7".to_owned(),
            lines: vec![v1::StockHoldLine { sku: "tea-500".to_owned(), quantity_milli: 2_000 }],
            node_id: "berlin-1".to_owned(),
            ttl_ms: 420_000,
            expires_at_ms: 1_748_858_820_000,
            extensions: extensions(),
        }
        .into(),
        v1::StockHoldReleased {
            channel: "web".to_owned(),
            hold_id: "cart-7".to_owned(),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn fulfilment() -> Vec<Event> {
    vec![
        v1::FulfilmentAccepted { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentRejected {
            target: by_id(),
            reason: v1::RejectionReason::Damaged.into(),
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentShipped {
            target: any_node(),
            lines: vec![line_quantity("1", 2_000)],
            carrier: "dhl".to_owned(),
            tracking_number: "JD0146000".to_owned(),
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentDelivered {
            target: any_node(),
            lines: vec![line_quantity("1", 2_000)],
            extensions: extensions(),
        }
        .into(),
    ]
}

fn answers_to_questions() -> Vec<Event> {
    vec![
        v1::FulfilmentReleaseConfirmed { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentReleaseRefused {
            target: by_id(),
            reason: "packed".to_owned(),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn euros(minor: i64) -> Option<v1::Money> {
    Some(v1::Money { minor, currency: "EUR".to_owned() })
}

fn text(word: &str) -> String {
    word.to_owned()
}

fn carrier() -> Event {
    let status = v1::TrackingStatus::OutForDelivery.into();
    v1::CarrierDefined {
        carrier: text("ups"),
        name: text("United Parcel Service"),
        codes: vec![v1::CarrierCode { code: text("DL"), status }],
        extensions: extensions(),
    }
    .into()
}

fn policies() -> Vec<Event> {
    vec![
        v1::PolicyActivated {
            document: text("name = \"nearest\"\nversion = 1\n"),
            hash: text("6c62272e07bb014262b821756295c58d"),
            extensions: extensions(),
        }
        .into(),
        v1::PolicyRetired { name: text("nearest"), extensions: extensions() }.into(),
    ]
}

fn return_line() -> v1::ReturnLine {
    v1::ReturnLine {
        line_id: text("1"),
        quantity_milli: 1_000,
        response: v1::ReturnResponse::Replace.into(),
        condition: v1::ItemCondition::Faulty.into(),
    }
}

fn returns() -> Vec<Event> {
    let (channel, order_id, return_id) = (text("web"), text("1001"), text("R1"));
    vec![
        v1::ReturnRequested {
            channel: channel.clone(),
            order_id: order_id.clone(),
            return_id: return_id.clone(),
            lines: vec![return_line()],
            reason: text("too small"),
            from: location(),
            extensions: extensions(),
        }
        .into(),
        v1::ReturnExpired { channel, order_id, return_id, extensions: extensions() }.into(),
    ]
}

fn work_at_nodes() -> Vec<Event> {
    let lines = || vec![line_quantity("1", 1_000)];
    let (id, extensions) = (|| text("web/1001/f1"), extensions);
    vec![
        v1::FulfilmentPicked { target: by_id(), lines: lines(), extensions: extensions() }.into(),
        v1::FulfilmentShortPicked {
            target: by_id(),
            lines: lines(),
            reason: v1::RejectionReason::Mismatch.into(),
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentPacked {
            fulfilment_id: id(),
            parcel_id: text("P1"),
            lines: lines(),
            weight_g: 900,
            backordered: true,
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentHandedOver {
            fulfilment_id: id(),
            carrier: text("ups"),
            manifest_id: text("M1"),
            parcels: vec![v1::HandedParcel { parcel_id: text("P1"), tracking_number: text("1Z9") }],
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentReadyForPickup { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentCollected { target: by_id(), lines: lines(), extensions: extensions() }
            .into(),
        v1::FulfilmentPickupExpired { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentReturnedToStock { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentMoved {
            fulfilment_id: id(),
            to_node: text("dc-north"),
            lines: lines(),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn parcels() -> Vec<Event> {
    vec![
        v1::TrackingUpdated {
            carrier: text("ups"),
            tracking_number: text("1Z9"),
            code: text("DL"),
            happened_at_ms: 1_748_858_400_000,
            place: text("Köln"),
            extensions: extensions(),
        }
        .into(),
        v1::ParcelHandedOn {
            carrier: text("ups"),
            tracking_number: text("1Z9"),
            to_carrier: text("post"),
            to_tracking_number: text("L7"),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn what_comes_back() -> Vec<Event> {
    let (channel, order_id, return_id) = (text("web"), text("1001"), text("R1"));
    let received = |disposition: v1::Disposition| v1::ReceivedLine {
        line_id: text("1"),
        quantity_milli: 1_000,
        disposition: disposition.into(),
    };
    vec![
        v1::FulfilmentLost {
            target: any_node(),
            lines: vec![line_quantity("1", 1_000)],
            kind: v1::LossKind::Damaged.into(),
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentReturnedToOrigin {
            target: any_node(),
            lines: vec![line_quantity("1", 1_000)],
            disposition: v1::Disposition::Quarantine.into(),
            extensions: extensions(),
        }
        .into(),
        v1::ReturnReceived {
            channel: channel.clone(),
            order_id: order_id.clone(),
            return_id: return_id.clone(),
            node_id: text("berlin-1"),
            lines: vec![received(v1::Disposition::Inspect)],
            extensions: extensions(),
        }
        .into(),
        v1::ReturnInspected {
            channel,
            order_id,
            return_id,
            node_id: text("berlin-1"),
            lines: vec![received(v1::Disposition::Refurbish)],
            extensions: extensions(),
        }
        .into(),
        v1::BlindReturnReceived {
            node_id: text("berlin-1"),
            sku: text("tea-500"),
            quantity_milli: 1_000,
            disposition: v1::Disposition::Destroy.into(),
            extensions: extensions(),
        }
        .into(),
    ]
}

/// A return that may be sent in.
pub fn return_authorised() -> v1::ReturnAuthorised {
    v1::ReturnAuthorised {
        channel: text("web"),
        order_id: text("1001"),
        return_id: text("R1"),
        node_id: text("berlin-1"),
        lines: vec![return_line()],
        distance_m: 1_250,
        revision: 1,
        decision: 5,
        step: 90_004,
        cause: v1::Cause::Returned.into(),
        replacement: Some(v1::ReplacementOrder {
            order_id: text("1001/R1"),
            lines: vec![assigned_line()],
            placed_at_ms: 1_748_858_400_000,
        }),
        timer: 2,
    }
}

/// A return that is not taken.
pub fn return_refused() -> v1::ReturnRefused {
    v1::ReturnRefused {
        channel: text("web"),
        order_id: text("1001"),
        return_id: text("R1"),
        reason: text("final_sale"),
        line_id: text("1"),
        revision: 1,
        decision: 5,
        step: 90_004,
        cause: v1::Cause::Returned.into(),
        timer: 2,
    }
}

/// Money due to a customer.
pub fn refund_due() -> v1::RefundDue {
    v1::RefundDue {
        channel: text("web"),
        order_id: text("1001"),
        return_id: text("R1"),
        lines: vec![v1::RefundLine {
            line_id: text("1"),
            quantity_milli: 1_000,
            amount_minor: 1_400,
            response: v1::ReturnResponse::Refund.into(),
        }],
        refund: euros(905),
        credit: euros(1),
        revision: 1,
        decision: 6,
        step: 90_005,
        cause: v1::Cause::Lost.into(),
        fee: euros(495),
        timer: 2,
    }
}

fn assigned_line() -> v1::AssignedLine {
    v1::AssignedLine {
        line_id: "1".to_owned(),
        sku: "tea-500".to_owned(),
        quantity_milli: 2_000,
        backordered_milli: 500,
    }
}

fn explanation() -> Option<v1::Explanation> {
    Some(v1::Explanation {
        nodes: vec![0, 7, 300],
        verdicts: vec![1, 10, 7],
        distances_m: vec![1_250, 88_000, 0],
        solver_steps: 42,
        bound_hit: true,
        policy: Some(Box::new(v1::PolicyExplanation {
            rule: text("near stores"),
            passed_over: vec![text("express: unfillable")],
            scores: vec![-5, 0, 1_250],
            cost: 17_518,
            runner_up_cost: 18_200,
            runner_up: vec![7, 300],
        })),
    })
}

/// The answer to an order.
pub fn order_outcome() -> v1::OrderOutcome {
    v1::OrderOutcome {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        revision: 1,
        decision: 2,
        step: 90_001,
        cause: v1::Cause::Placed.into(),
        status: v1::OutcomeStatus::PartlyAssigned.into(),
        reason: "unfillable".to_owned(),
        shortages: vec![v1::SkuShortage {
            sku: "mug-blue".to_owned(),
            requested_milli: 3_000,
            available_milli: 1_000,
        }],
        waiting: vec![line_quantity("2", 1_000)],
        cancelled: vec![line_quantity("2", 1_000)],
        explanation: explanation(),
        release_requested: vec![line_quantity("1", 1_000)],
        kept: vec![line_quantity("1", 500)],
        holds: vec![hold()],
        timer: 2,
        waiting_until_ms: 1_750_068_000_000,
    }
}

/// Work given to a node.
pub fn fulfilment_assigned() -> v1::FulfilmentAssigned {
    v1::FulfilmentAssigned {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        distance_m: 1_250,
        revision: 1,
        decision: 2,
        step: 90_001,
        cause: v1::Cause::Rerouted.into(),
        outcome: Some(order_outcome()),
        explanation: explanation(),
        delivery: Some(Box::new(delivery())),
        timer: 2,
        accept_by_ms: 1_748_859_300_000,
        capacity_day: 20_241,
    }
}

/// Work made smaller.
pub fn fulfilment_changed() -> v1::FulfilmentChanged {
    v1::FulfilmentChanged {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        revision: 1,
        decision: 3,
        step: 90_002,
        cause: v1::Cause::Cancelled.into(),
        holds: vec![hold()],
        delivery: Some(Box::new(delivery())),
        timer: 2,
    }
}

/// A node asked to give work up.
pub fn fulfilment_release_requested() -> v1::FulfilmentReleaseRequested {
    v1::FulfilmentReleaseRequested {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        revision: 1,
        decision: 5,
        step: 90_004,
        cause: v1::Cause::Cancelled.into(),
        timer: 2,
    }
}

/// Work taken back.
pub fn fulfilment_released() -> v1::FulfilmentReleased {
    v1::FulfilmentReleased {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        revision: 1,
        decision: 4,
        step: 90_003,
        cause: v1::Cause::Void.into(),
        timer: 2,
    }
}

/// What became of a hold.
pub fn stock_hold_outcome() -> v1::StockHoldOutcome {
    v1::StockHoldOutcome {
        channel: "web".to_owned(),
        hold_id: "cart-7".to_owned(),
        status: v1::StockHoldStatus::Consumed.into(),
        reason: "unfillable".to_owned(),
        shortages: vec![v1::SkuShortage {
            sku: "mug-blue".to_owned(),
            requested_milli: 3_000,
            available_milli: 1_000,
        }],
        units: vec![v1::HeldUnits {
            sku: "tea-500".to_owned(),
            node_id: "berlin-1".to_owned(),
            quantity_milli: 2_000,
        }],
        expires_at_ms: 1_748_858_820_000,
        order_id: "1001".to_owned(),
        step: 90_001,
        timer: 2,
        cause: v1::Cause::Void.into(),
    }
}

/// The end of an epoch.
pub fn epoch_mark() -> v1::EpochMark {
    v1::EpochMark {
        market: "eu".to_owned(),
        incarnation: 3,
        epoch: 1_000,
        previous_mark: vec![1; 16],
        frontiers: vec![v1::Frontier {
            topic: "omnifold.eu.orders".to_owned(),
            identity: "b7c1".to_owned(),
            next: 70_000,
        }],
        inputs_hash: vec![2; 16],
        steps: 90_003,
        decisions: 12,
        decisions_hash: vec![3; 16],
        clock_ms: 1_748_858_400_000,
        wall_ms: 1_748_858_400_123,
        policy_hash: vec![4; 16],
        rules_version: 1,
        state_digest: vec![5; 16],
        open_work: vec![v1::OpenWork {
            sku: 9,
            has_after: true,
            after_rank: 4_294_967_290,
            after_placed_step: 88_000,
        }],
        undone_steps: vec![90_001, 90_002],
        republished_epochs: vec![998],
        availability_next: Some(20_000),
        timers: 3,
        undone_timers: vec![v1::TimerMoment { step: 90_003, timer: 1 }],
    }
}

/// A refused event.
pub fn rejected_event() -> v1::RejectedEvent {
    v1::RejectedEvent {
        topic: "omnifold.eu.orders".to_owned(),
        offset: 69_999,
        step: 90_000,
        reason: "unknown_sku".to_owned(),
        detail: "no item `tea-501` in this market".to_owned(),
        event_id: "o-1".to_owned(),
        event_source: "shop".to_owned(),
        event_type: "omnifold.v1.OrderPlaced".to_owned(),
        content_type: "application/json".to_owned(),
        record_time_ms: 1_748_858_400_000,
        sealed_value: Some(sealed()),
        record_key: b"web/1001".to_vec(),
    }
}

/// What a channel may sell of a SKU.
pub fn availability_changed() -> v1::AvailabilityChanged {
    v1::AvailabilityChanged {
        channel: "web".to_owned(),
        sku: "tea-500".to_owned(),
        available_milli: 8_500,
        step: 90_003,
    }
}

/// How far a count was from the ledger, after a late event.
pub fn count_variance() -> v1::CountVariance {
    v1::CountVariance {
        node_id: "berlin-1".to_owned(),
        sku: "tea-500".to_owned(),
        as_of_ms: 1_748_858_400_000,
        variance_milli: -1_000,
        corrected_from_milli: Some(-3_000),
        reason: v1::CountReason::Cycle.into(),
        step: 90_003,
    }
}
