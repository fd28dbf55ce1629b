//! One fully populated message of every type.
#![allow(dead_code)] // each test uses its part

pub mod decisions;
pub mod waves;
mod work;

pub mod story;

pub mod purchasing;
pub mod units;

use std::collections::BTreeMap;

use omnifold_events::{Event, v1};
use v1::fulfilment_target::Target;

use work::*;

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

fn promise_rules() -> v1::PromiseRules {
    v1::PromiseRules {
        zone: "Europe/Berlin".to_owned(),
        late_ppm: 50_000,
        early_ppm: 50_000,
        spending: v1::PromiseSpending::Thrifty.into(),
        calendar: Some(v1::DeliveryCalendar {
            handling_least_days: 1,
            handling_most_days: 2,
            transit_least_days: 3,
            transit_most_days: 5,
            moves: vec![1, 2, 3, 4, 5, 6],
            delivers: vec![1, 2, 3, 4, 5],
            days_off: vec!["2025-12-25".to_owned()],
            days_only: true,
        }),
    }
}

pub fn promise() -> v1::Promise {
    v1::Promise {
        earliest_day: 20_243,
        latest_day: 20_246,
        source: v1::PromiseSource::Learned.into(),
        level: v1::PromiseLevel::Lane.into(),
        deliveries: 412,
        late_ppm: 50_000,
        node: 3,
        distance_m: 182_000,
        nodes: 1,
        made_at_ms: 1_748_858_400_000,
        stock_due_ms: 1_749_038_400_000,
    }
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
    all.extend(purchasing::inputs());
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
    all.extend(story::nodes());
    all.extend(story::afterwards());
    all.extend(policies());
    all.push(story::reserved_for_a_channel());
    all.extend(gathering());
    all.push(waves::wave_closed());
    all.push(purchasing::markdown_set());
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
            max_closed_ms: 43_200_000,
            notices: vec![v1::NoticeKind::Shipped.into(), v1::NoticeKind::Delivered.into()],
            pickup_expires_after_ms: 604_800_000,
            pickup_reminder_after_ms: 259_200_000,
            return_expires_after_ms: 1_209_600_000,
            pickup_supply: v1::PickupSupply::AnyNode.into(),
            promise: Some(promise_rules()),
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
            groups: vec!["stores".to_owned()],
            accept_within_ms: 1_800_000,
            pick_within_ms: 14_400_000,
            dispatch_sla: Some(v1::DispatchSla {
                days: 2,
                zone: "Europe/Berlin".to_owned(),
                weekdays: vec![1, 2, 3, 4, 5, 6],
                days_off: vec!["2025-06-09".to_owned()],
            }),
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
            components: vec![v1::KitComponent {
                sku: "mug-blue".to_owned(),
                quantity_milli: 2_000,
            }],
            picking: v1::KitPicking::AssembledFirst.into(),
            may_split: true,
            purchase: Some(v1::ItemPurchase {
                supplier_id: "acme".to_owned(),
                order_multiple_milli: 6_000,
            }),
            weight_g: 500,
            serialised: true,
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
            groups: vec!["stores".to_owned()],
            threshold_milli: 10_000,
            extensions: extensions(),
        }
        .into(),
        v1::PricesPublished {
            valid_from_ms: 1_748_844_000_000,
            valid_until_ms: 1_748_930_400_000,
            stock: vec![v1::StockPrices { sku: "tea-500".to_owned(), nodes: vec![node_price()] }],
            capacity: Some(v1::CapacityPrices { nodes: vec![node_price()] }),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn node_price() -> v1::NodePrice {
    v1::NodePrice { node_id: "berlin-1".to_owned(), price_milli: 125_500 }
}

/// Lots that a count found, or a node is to take.
pub fn lots() -> Vec<v1::LotQuantity> {
    vec![v1::LotQuantity {
        lot: "L-22".to_owned(),
        quantity_milli: 1_500,
        expires_on: "2026-05-31".to_owned(),
    }]
}

/// Lots that a node took.
pub fn taken() -> Vec<v1::LineLot> {
    let (line_id, lot) = ("1".to_owned(), "L-22".to_owned());
    vec![v1::LineLot { line_id, lot, quantity_milli: 1_000 }]
}

/// Serial numbers of units that left, or are back.
pub fn serials() -> Vec<v1::LineSerials> {
    let (line_id, serials) = ("1".to_owned(), vec!["S-1".to_owned()]);
    vec![v1::LineSerials { line_id, serials }]
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
            lots: lots(),
            extensions: extensions(),
            serials: vec!["S-1".to_owned()],
        }
        .into(),
        v1::StockAdjusted {
            node_id: "berlin-1".to_owned(),
            sku: "tea-500".to_owned(),
            delta_milli: -1_500,
            reason: v1::AdjustmentReason::Waste.into(),
            extensions: extensions(),
            units: units(),
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

pub fn units() -> Option<v1::UnitAttributes> {
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
            lines: vec![v1::TransferLine {
                sku: sku(),
                quantity_milli: 6_000,
                lots: lots(),
                serials: vec!["S-1".to_owned()],
            }],
            extensions: extensions(),
            expected_at_ms: 1_748_944_800_000,
        }
        .into(),
        v1::TransferReceived {
            transfer_id: "T-9".to_owned(),
            lines: vec![v1::TransferReceipt {
                sku: sku(),
                quantity_milli: 4_000,
                damaged_milli: 1_000,
                lots: lots(),
                serials: vec!["S-1".to_owned()],
                damaged_serials: vec!["S-2".to_owned()],
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
            pickup_supply: v1::PickupSupply::NodeOnly.into(),
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
            class: Some(Box::new(v1::OrderClass {
                seller_id: "acme".to_owned(),
                order_type: "wholesale".to_owned(),
                customer_segment: "loyal".to_owned(),
            })),
            extensions: extensions(),
            hold_id: "cart-7".to_owned(),
            release_at_ms: 1_748_944_800_000,
            substitutes: vec![v1::LineSubstitutes {
                line_id: "1".to_owned(),
                skus: vec!["tea-250".to_owned()],
            }],
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
            lots: taken(),
            serials: serials(),
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
