//! What units that are told apart make known.

use omnifold_events::v1;

/// A serial number came back for an order with which it had not left.
pub fn serial_discrepancy() -> v1::SerialDiscrepancy {
    v1::SerialDiscrepancy {
        node_id: "berlin-1".to_owned(),
        sku: "tea-500".to_owned(),
        reference: "web/1001".to_owned(),
        serials: vec![v1::DiscrepantSerial {
            serial: "S-1".to_owned(),
            kind: v1::SerialDiscrepancyKind::NotShippedWithOrder.into(),
            recorded: "shipped".to_owned(),
            recorded_node: "dc-north".to_owned(),
            recorded_with: "web/1002".to_owned(),
        }],
        step: 90_006,
    }
}

/// The last day of a lot is over, and an order was promised units of it.
pub fn lot_expired() -> v1::LotExpired {
    v1::LotExpired {
        node_id: "berlin-1".to_owned(),
        sku: "tea-500".to_owned(),
        lot: "L-22".to_owned(),
        expires_on: "2026-05-31".to_owned(),
        quantity_milli: 12_000,
        promises: vec![v1::LotPromise {
            channel: "web".to_owned(),
            order_id: "1001".to_owned(),
            fulfilment: 1,
            line_id: "1".to_owned(),
            quantity_milli: 2_000,
        }],
        part: 1,
        step: 90_007,
        timer: 2,
    }
}
