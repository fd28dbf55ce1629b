//! A purchase order with everything that became of it: acknowledgements, announced deliveries,
//! receipts and bills (rules P1 to P3). Quantities in 1/1000 unit, money in minor units of the
//! market's currency, shares in 1/1000.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::inbound::{Expected, Source};
use crate::{LotId, NodeIx, SerialKey, SkuIx};

/// A purchase order's key: XXH3-128 of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PurchaseOrderKey(pub u128);

impl PurchaseOrderKey {
    /// The key of a purchase order.
    pub fn of(id: &str) -> Self {
        PurchaseOrderKey(xxhash_rust::xxh3::xxh3_128(id.as_bytes()))
    }
}

/// Where a purchase order stands. A hold stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseOrderState {
    /// The supplier was asked.
    Issued,
    /// The supplier said what it will send, or has sent something.
    Acknowledged,
    /// Some units arrived, others are to come.
    PartlyReceived,
    /// As many as were ordered of every line arrived.
    Received,
    /// Nothing more is expected.
    Closed,
    /// Nothing ever came.
    Cancelled,
}

impl PurchaseOrderState {
    /// Whether something may still arrive.
    pub fn is_open(self) -> bool {
        !matches!(self, PurchaseOrderState::Closed | PurchaseOrderState::Cancelled)
    }
}

/// What was asked of a supplier, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrder {
    /// The buyer's name for it.
    pub id: String,
    /// Who is to deliver.
    pub supplier: String,
    /// Who buys; empty where a market has one company.
    pub company: String,
    /// Where the goods go.
    pub node: NodeIx,
    /// Where it stands.
    pub state: PurchaseOrderState,
    /// Why it is on hold (rule P2).
    pub hold: Option<String>,
    /// What may differ from it.
    pub terms: PurchaseTerms,
    /// When lines that say nothing are due; 0: never said.
    pub due_at: i64,
    /// What was ordered.
    pub lines: Vec<PurchaseLine>,
    /// Deliveries that were announced.
    pub notices: Vec<ShipNotice>,
    /// What arrived.
    pub receipts: Vec<Receipt>,
    /// What the supplier wants for it.
    pub invoices: Vec<Invoice>,
}

/// What may differ from a purchase order (rule P1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PurchaseTerms {
    /// Beyond what is ordered, what may be received.
    pub receipt_allowance: u32,
    /// `v1::BillingBasis`.
    pub billing_basis: i32,
    /// Beyond the basis, what may be billed.
    pub billing_allowance: u32,
    /// Beyond the ordered price, what a bill may ask.
    pub price_tolerance: u32,
}

impl PurchaseTerms {
    /// Units and a share of them, rounded down.
    pub(crate) fn and_share(units: i64, permille: u32) -> i128 {
        i128::from(units) * (1_000 + i128::from(permille)) / 1_000
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseLine {
    /// Unique in the purchase order.
    pub line_id: String,
    /// What is wanted.
    pub sku: SkuIx,
    /// Units wanted.
    pub ordered: i64,
    /// Of one unit.
    pub unit_price: i64,
    /// When it is due; 0: when the order is.
    pub due_at: i64,
    /// What the supplier said it will send.
    pub acknowledged: Option<Acknowledged>,
    /// Units that arrived, those refused at the door among them.
    pub received: i64,
    /// Of those, sellable ones.
    pub accepted: i64,
    /// Of those that arrived, the ones that came by the due date (rule P3).
    pub on_time: i64,
    /// Units that bills were found payable for.
    pub billed: i64,
}

/// What a supplier said it will send of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Units.
    pub units: i64,
    /// Of one unit; a bill is held to the ordered price.
    pub unit_price: i64,
    /// When; 0: as ordered.
    pub due_at: i64,
}

/// A delivery that was announced (ASN).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipNotice {
    /// The supplier's name for it.
    pub id: String,
    /// When it will arrive.
    pub expected_at: i64,
    /// What is in it.
    pub lines: Vec<NoticeLine>,
}

/// Units of one line in an announced delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeLine {
    /// Place in [`PurchaseOrder::lines`].
    pub line: u32,
    /// Units announced.
    pub announced: i64,
    /// Of those, units that arrived.
    pub arrived: i64,
}

impl NoticeLine {
    /// Units still on their way.
    pub fn under_way(&self) -> i64 {
        (self.announced - self.arrived).max(0)
    }
}

/// Goods that arrived together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Unique in the purchase order.
    pub id: String,
    /// When.
    pub at: i64,
    /// It was booked by mistake.
    pub reversed: bool,
    /// What arrived.
    pub lines: Vec<ReceiptLine>,
}

/// What arrived of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// Place in [`PurchaseOrder::lines`]; `None`: nobody ordered it.
    pub line: Option<u32>,
    /// The SKU.
    pub sku: SkuIx,
    /// Sellable units. Of goods that nobody ordered: in quarantine.
    pub accepted: i64,
    /// Units in quarantine.
    pub damaged: i64,
    /// Units that were not taken in.
    pub refused: i64,
    /// Whether they came by the due date.
    pub on_time: bool,
    /// (place in [`PurchaseOrder::notices`], units) that were announced there.
    pub announced: Vec<(u32, i64)>,
    /// What the units were known by, where anything was said.
    pub units: Option<Box<ReceivedUnits>>,
}

/// What units that were taken in are known by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceivedUnits {
    /// Their lot.
    pub lot: Option<LotId>,
    /// Their serial numbers.
    pub serials: Vec<SerialKey>,
}

impl ReceiptLine {
    /// Units that arrived, those refused at the door among them.
    pub fn received(&self) -> i64 {
        self.accepted + self.damaged + self.refused
    }

    /// Units taken in: (on_hand, quarantine).
    pub fn taken_in(&self) -> (i64, i64) {
        match self.line {
            Some(_) => (self.accepted, self.damaged),
            None => (0, self.accepted + self.damaged),
        }
    }
}

/// A supplier's bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Unique in the purchase order.
    pub id: String,
    /// `v1::MatchResult`.
    pub result: i32,
    /// What it asks.
    pub lines: Vec<InvoiceLine>,
}

/// What a bill asks for one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// Place in [`PurchaseOrder::lines`].
    pub line: u32,
    /// Units billed.
    pub units: i64,
    /// Asked for one.
    pub unit_price: i64,
    /// Of the units billed, those found payable.
    pub payable: i64,
}

impl PurchaseOrder {
    /// Place of the line of that name.
    pub fn line_named(&self, line_id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.line_id == line_id)
    }

    /// When a line is due; 0: never said.
    pub fn due_of(&self, line: &PurchaseLine) -> i64 {
        if line.due_at == 0 { self.due_at } else { line.due_at }
    }

    /// L21: what is still to come of a line, 0 once nothing more is expected.
    pub fn on_order(&self, line: &PurchaseLine) -> i64 {
        if self.state.is_open() { (line.ordered - line.received).max(0) } else { 0 }
    }

    /// Whether as many as were ordered of every line arrived.
    pub(crate) fn is_received(&self) -> bool {
        self.lines.iter().all(|line| line.received >= line.ordered)
    }

    /// Rule P3: (units ordered, units received by their due date). A cancelled order counts for
    /// nothing; more than was ordered is no better than what was.
    pub fn punctuality(&self) -> (i128, i128) {
        if self.state == PurchaseOrderState::Cancelled {
            return (0, 0);
        }
        let each = |line: &PurchaseLine| {
            (i128::from(line.ordered), i128::from(line.on_time.min(line.ordered)))
        };
        let add = |sum: (i128, i128), line: (i128, i128)| (sum.0 + line.0, sum.1 + line.1);
        self.lines.iter().map(each).fold((0, 0), add)
    }

    /// What its node may expect: what deliveries announce, at their dates, and what else the
    /// supplier said it will send, at the date it named. On hold nothing is expected.
    pub fn expected(&self) -> Vec<Expected> {
        if !self.state.is_open() || self.hold.is_some() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for notice in &self.notices {
            for row in notice.lines.iter().filter(|row| row.under_way() > 0) {
                let source = Source::ShipNotice(self.id.clone(), notice.id.clone());
                let sku = self.lines[row.line as usize].sku;
                found.push(self.expects(sku, source, notice.expected_at, row.under_way()));
            }
        }
        for (place, line) in self.lines.iter().enumerate() {
            let Some(promise) = line.acknowledged else { continue };
            let units = promise.units - line.received - self.announced(place);
            if units > 0 {
                let due = if promise.due_at == 0 { self.due_of(line) } else { promise.due_at };
                let source = Source::PurchaseOrder(self.id.clone());
                found.push(self.expects(line.sku, source, due, units));
            }
        }
        found
    }

    fn expects(&self, sku: SkuIx, source: Source, due_at: i64, units: i64) -> Expected {
        Expected { sku, node: self.node, source, due_at, units }
    }

    /// Units of a line that announced deliveries still hold.
    fn announced(&self, line: usize) -> i64 {
        let rows = self.notices.iter().flat_map(|notice| &notice.lines);
        rows.filter(|row| row.line as usize == line).map(NoticeLine::under_way).sum()
    }

    /// Units of a line that bills may be paid for (rule P1).
    pub(crate) fn billing_limit(&self, line: &PurchaseLine) -> i128 {
        let basis = match v1::BillingBasis::try_from(self.terms.billing_basis) {
            Ok(v1::BillingBasis::Received) => line.received,
            Ok(v1::BillingBasis::Ordered) => line.ordered,
            _ => line.accepted,
        };
        PurchaseTerms::and_share(basis, self.terms.billing_allowance)
    }

    /// Units that no receipt still to come could make payable: a bill for more is refused.
    pub(crate) fn billing_bound(&self, line: &PurchaseLine) -> i128 {
        let ordered = PurchaseTerms::and_share(line.ordered, self.terms.billing_allowance);
        ordered.max(self.billing_limit(line))
    }
}
