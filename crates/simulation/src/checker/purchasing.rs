//! Purchase orders as the topics tell them (law L21), and what suppliers say they have. Quantities in
//! 1/1000 unit.

use std::collections::BTreeMap;

use omnifold_events::v1;

use super::audit::Audit;
use super::report::Rule;

/// A purchase order.
#[derive(Debug, Default)]
pub struct Purchase {
    node: u32,
    held: bool,
    terms: v1::PurchaseTerms,
    lines: Vec<Line>,
    /// By the number of the receipt's id.
    receipts: BTreeMap<u32, Vec<Received>>,
}

/// (line, if it was ordered; SKU; accepted; all that came).
type Received = (Option<u32>, u32, i64, i64);

#[derive(Debug, Default)]
struct Line {
    /// Number of its id.
    id: u32,
    sku: u32,
    ordered: i64,
    received: i64,
    accepted: i64,
}

impl Purchase {
    fn line(&self, id: u32) -> Option<&Line> {
        self.lines.iter().find(|row| row.id == id)
    }

    fn line_mut(&mut self, id: Option<u32>) -> Option<&mut Line> {
        self.lines.iter_mut().find(|row| Some(row.id) == id)
    }
}

/// (instant until which a supplier's figure is believed, node, SKU).
pub type Stale = (i64, u32, u32);

impl Audit {
    pub(super) fn purchase_issued(&mut self, event: &v1::PurchaseOrderIssued) {
        let node = self.names.number(&event.node_id);
        let terms = event.terms.unwrap_or_default();
        let mut purchase = Purchase { node, terms, ..Purchase::default() };
        self.order_lines(&mut purchase, &event.lines);
        self.purchases.insert(self.names.number(&event.purchase_order_id), purchase);
    }

    fn order_lines(&mut self, purchase: &mut Purchase, lines: &[v1::PurchaseLine]) {
        for line in lines {
            let (id, sku) = (self.names.number(&line.line_id), &line.sku);
            let Some(row) = purchase.line_mut(Some(id)) else {
                let (sku, ordered) = (self.names.number(sku), line.quantity_milli);
                purchase.lines.push(Line { id, sku, ordered, ..Line::default() });
                continue;
            };
            if line.quantity_milli != 0 {
                row.ordered = line.quantity_milli;
            }
        }
    }

    pub(super) fn purchase_changed(&mut self, event: &v1::PurchaseOrderChanged) {
        let Some(mut purchase) = self.take_purchase(&event.purchase_order_id) else { return };
        purchase.terms = event.terms.unwrap_or(purchase.terms);
        self.order_lines(&mut purchase, &event.lines);
        self.put_purchase(&event.purchase_order_id, purchase);
    }

    pub(super) fn purchase_held(&mut self, id: &str, held: bool) {
        let Some(mut purchase) = self.take_purchase(id) else { return };
        purchase.held = held;
        self.put_purchase(id, purchase);
    }

    /// Rule P2: nothing comes in while the order is on hold.
    fn check_not_held(&mut self, purchase: &Purchase, id: &str) {
        if purchase.held {
            self.violation(Rule::OnHold, id, "received or billed while it was on hold");
        }
    }

    pub(super) fn goods_received(&mut self, event: &v1::ReceiptBooked, time_ms: i64) {
        let Some(mut purchase) = self.take_purchase(&event.purchase_order_id) else { return };
        self.check_not_held(&purchase, &event.purchase_order_id);
        let mut rows = Vec::new();
        for line in &event.lines {
            let all = line.accepted_milli + line.damaged_milli + line.refused_milli;
            let (id, sku) = self.received_as(&purchase, line);
            if let Some(row) = purchase.line_mut(id) {
                row.received += all;
                row.accepted += line.accepted_milli;
                self.shelves.at(purchase.node, sku).moved(line.accepted_milli, time_ms);
            }
            rows.push((id, sku, line.accepted_milli, all));
        }
        purchase.receipts.insert(self.names.number(&event.receipt_id), rows);
        self.put_purchase(&event.purchase_order_id, purchase);
    }

    /// The numbers of the node and the SKU that goods of a line are put to.
    pub(super) fn goods_place(&mut self, id: &str, line: &v1::ReceiptLine) -> Option<(u32, u32)> {
        let id = self.names.number(id);
        let purchase = self.purchases.remove(&id)?;
        let (node, (_, sku)) = (purchase.node, self.received_as(&purchase, line));
        self.purchases.insert(id, purchase);
        Some((node, sku))
    }

    /// The line named, or of the SKU the first in the order of issue that is not full.
    fn received_as(&mut self, purchase: &Purchase, line: &v1::ReceiptLine) -> (Option<u32>, u32) {
        if !line.line_id.is_empty() {
            let id = self.names.number(&line.line_id);
            let sku = purchase.line(id).map(|row| row.sku);
            return (Some(id), sku.unwrap_or_default());
        }
        let sku = self.names.number(&line.sku);
        let of_sku = || purchase.lines.iter().filter(move |row| row.sku == sku);
        let open = of_sku().find(|row| row.received < row.ordered);
        (open.or_else(|| of_sku().next()).map(|row| row.id), sku)
    }

    pub(super) fn goods_reversed(&mut self, event: &v1::ReceiptReversed, time_ms: i64) {
        let Some(mut purchase) = self.take_purchase(&event.purchase_order_id) else { return };
        self.check_not_held(&purchase, &event.purchase_order_id);
        let receipt = self.names.number(&event.receipt_id);
        let Some(rows) = purchase.receipts.remove(&receipt) else {
            let detail = format!("receipt `{}` is reversed and does not stand", event.receipt_id);
            self.violation(Rule::UnknownSubject, &event.purchase_order_id, detail);
            return self.put_purchase(&event.purchase_order_id, purchase);
        };
        for (id, sku, accepted, all) in rows {
            if let Some(row) = purchase.line_mut(id) {
                row.received -= all;
                row.accepted -= accepted;
                self.shelves.at(purchase.node, sku).moved(-accepted, time_ms);
            }
        }
        self.put_purchase(&event.purchase_order_id, purchase);
    }

    /// L21: nothing is billed that neither the order nor a receipt could make payable.
    pub(super) fn billed(&mut self, event: &v1::SupplierInvoiceReceived) {
        let Some(purchase) = self.take_purchase(&event.purchase_order_id) else { return };
        self.check_not_held(&purchase, &event.purchase_order_id);
        for line in &event.lines {
            let id = self.names.number(&line.line_id);
            let basis = purchase.line(id).map_or(0, |row| row.ordered.max(row.received));
            let most = with_share(basis, purchase.terms.billing_allowance_permille);
            if i128::from(line.quantity_milli) > most {
                let detail =
                    format!("line {}: {} billed of {most}", line.line_id, line.quantity_milli);
                self.violation(Rule::Purchasing, &event.purchase_order_id, detail);
            }
        }
        self.put_purchase(&event.purchase_order_id, purchase);
    }

    pub(super) fn known_purchase(&mut self, id: &str) {
        if let Some(purchase) = self.take_purchase(id) {
            self.put_purchase(id, purchase);
        }
    }

    fn take_purchase(&mut self, id: &str) -> Option<Purchase> {
        let found = self.purchases.remove(&self.names.number(id));
        if found.is_none() {
            let detail = "never issued, and what was said of it was not refused";
            self.violation(Rule::UnknownSubject, id, detail);
        }
        found
    }

    /// L21: no more stands received than is ordered and allowed.
    fn put_purchase(&mut self, id: &str, purchase: Purchase) {
        for row in &purchase.lines {
            let most = with_share(row.ordered, purchase.terms.receipt_allowance_permille);
            if i128::from(row.received) > most || row.received < 0 || row.accepted < 0 {
                let detail = format!("{} received of {most}", row.received);
                self.violation(Rule::Purchasing, id, detail);
            }
        }
        self.purchases.insert(self.names.number(id), purchase);
    }

    pub(super) fn supplier_fed(&mut self, event: &v1::SupplierStockFed, time_ms: i64) {
        let as_of = if event.as_of_ms == 0 { time_ms } else { event.as_of_ms };
        let net = event.basis() != v1::CountBasis::Physical;
        let (node, sku) = (self.names.number(&event.node_id), self.names.number(&event.sku));
        self.shelves.at(node, sku).counted(event.quantity_milli, as_of, net);
        self.stale.retain(|&(_, of_node, of_sku)| (of_node, of_sku) != (node, sku));
        if event.stale_after_ms != 0 {
            self.stale.insert((as_of + event.stale_after_ms, node, sku));
        }
    }

    /// What nobody repeated in time is not believed any longer.
    pub(super) fn forget_stale_feeds(&mut self, time_ms: i64) {
        while let Some(row) = self.stale.first().copied().filter(|row| row.0 <= time_ms) {
            self.stale.remove(&row);
            self.shelves.at(row.1, row.2).counted(0, row.0, true);
        }
    }

    /// A supplier that no longer sells an item flags it out; one that sells it again does not.
    pub(super) fn item_listed(&mut self, event: &v1::SupplierItemListed) {
        let key = (self.names.number(&event.node_id), self.names.number(&event.sku));
        let was = self.withdrawn.contains(&key);
        if was != event.withdrawn {
            self.shelves.at(key.0, key.1).flagged_out = event.withdrawn;
        }
        if event.withdrawn {
            self.withdrawn.insert(key);
        } else {
            self.withdrawn.remove(&key);
        }
    }
}

fn with_share(units: i64, permille: u32) -> i128 {
    i128::from(units) * (1_000 + i128::from(permille)) / 1_000
}
