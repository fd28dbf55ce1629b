//! Scripted scenarios: a text file of commands, each with the output it must have right below it.
//!
//! ```text
//! # RS-04 The last jumper: the first line names the case
//! market coverage=ship_complete shortage=refuse
//! at 2025-06-02T10:00:00Z
//! node N at 48.85,2.35
//! item S
//! count N S 5
//! order A lines S:3 S:3 to 48.85,2.35
//! > A refused unfillable; S requested 6 available 5
//! stock N S
//! > N S on_hand 5 allocated 0 atp 5
//! ```
//!
//! Rules of the form:
//! * One command a line. `#` begins a comment, blank lines mean nothing.
//! * Lines that begin with `>` are the output of the command above them, all of it: a command
//!   without such lines must have none.
//! * `at TIME` sets the clock; every event is a second after the one before it.
//! * Quantities are decimals of a unit. Orders are on channel `web` unless `channel=` says so.
//! * `id=` and `source=` give an event another identity than its line's; `again` delivers the
//!   newest event once more, `restart` stops the engine and starts it on what it left.
//!
//! | command | meaning |
//! |---|---|
//! | `market clock=events coverage=ship_complete shortage=refuse payment=nothing release=at_once` | MarketConfigured; those are the defaults |
//! | `market ... [accept_within=15m] [pick_within=2h] [cancel_waiting_after=3d]` | its deadlines; `node` takes the first two as well |
//! | `node N at 48.85,2.35 [disabled]` | NodeDefined |
//! | `capacity N 10 [zone=Europe/Berlin]` | NodeCapacitySet, in UTC unless a zone is named |
//! | `item S [scale=1]` | ItemDefined, with that many decimals |
//! | `item K of=S:1,T:2 [assembled] [may_split]` | a kit of those parts; `assembled`: stocked as itself first |
//! | `count N S 5 [as_of=TIME] [basis=net_of_open_orders] [reason=cycle]` | StockCounted |
//! | `move N S 2 from on_hand to quarantine [reason=damage]` | StockMoved |
//! | `receive N S 12 [into=quarantine]` | StockReceived |
//! | `receive ... lot=L1 [expires=2025-06-30]`, `move ... lot=L1` | of that lot |
//! | `count ... lots=L1:4@2025-06-30,L2:3` | with the lots that were found |
//! | `item S ... [serialised]` | its units are known by serial numbers |
//! | `receive ... serials=A,B`, also `move`, `adjust`, `count`, `blind_return` | serial numbers among the units |
//! | `ship ... serials=1:A,1:B`, also `hand_over`, `collect`, `lost`, `back_at_origin` | by line |
//! | `transfer ... lots=S:L1:2 serials=S:A`, `arrived ... lots=S:L1:2 serials=S:A damaged_serials=S:B` | by SKU |
//! | `serial S A` | prints where a unit is, and has been |
//! | `pick ... lots=1:L2:2`, `ship ... lots=1:L2:2` | line, lot and units taken, where they are not as told |
//! | `transfer T from N to M S:6 ...` | TransferDispatched |
//! | `arrived T [S:4 [damaged=1]] [closes]` | TransferReceived; without a SKU all of it |
//! | `recall T` | TransferCancelled |
//! | `sales N S 40` | SalesRateSet, units a week |
//! | `markdown N S 5.00 [until=TIME]` | MarkdownSet, euros a unit |
//! | `prices S N:125.5 M:0 until=TIME [from=TIME]`, `prices capacity N:40 until=TIME` | PricesPublished, in minor units |
//! | `channel C [nodes=N,M] [groups=a,b] [threshold=10]`, `node N ... [groups=a,b]` | ChannelDefined, by nodes and groups of them |
//! | `reserve C N S 5` | ChannelStockReserved |
//! | `adjust N S -2 [reason=sale]` | StockAdjusted, `received` or `correction` by its sign |
//! | `settings N S [buffer=2] [percent=10] [weeks=1.5] [backorder_limit=10] [flagged_out]` | StockSettingsSet |
//! | `order O lines S:3 T:1@9.90 [to 48.8,2.3] [from=N1,N2] [priority=5] [coverage=allow_partial]` | OrderPlaced; lines are named 1, 2, 3 ...; `@` is the unit price in euros |
//! | `order ... [shipping=4.95] [tax=1] [discount=5]` | its charges |
//! | `order ... [method=express] [date=2025-06-05] [since=TIME] [until=TIME] [wrap=red] [gift]` | its terms of delivery; `change` takes them too |
//! | `order ... [country=FR] [postcode=75] (`change ... to` takes them too) [seller=acme] [type=wholesale] [segment=staff]` | where it goes, and its class |
//! | `order O lines S|T|U:2` | T, else U, may stand in for S |
//! | `order ... [hold=H] [release_at=TIME]` | an order that takes a soft hold's place; a pre-order |
//! | `hold_stock H lines S:3 [from=N] ttl=7m` (or `until=TIME`) | StockHeld |
//! | `unhold_stock H` | StockHoldReleased |
//! | `tick` | defines an item `tick`: an event that does nothing but bring its time |
//! | `cancel O [line 1 [x2]] ...`, `resume O [line 1 [x2]] ...` | OrderCancelled, OrderResumed |
//! | `change O [line 1 x3] ... [add 3 S:2] ... [to 48.8,2.3] [revision=1]` | OrderChanged; `add` names the new line |
//! | `hold O h1 fraud`, `hold O/f1 h1 manual`, `unhold O h1` | OrderHeld, OrderHoldReleased |
//! | `pay O p1 authorised 9.90` | PaymentAuthorised; also `captured`, `voided`, `refunded`, `failed` |
//! | `give_up O/f1`, `keep O/f1` | FulfilmentReleaseConfirmed, FulfilmentReleaseRefused |
//! | `accept O/f1`, `reject O/f1 mismatch` | what the node says |
//! | `ship O/f1 [line 1 x2] ...`, `deliver ...` | what happened; `ship any O` names no node |
//! | `stock N S` | prints the stock of a (node, SKU), and its shadow price |
//! | `ledger N S [as_of=TIME]` | prints the entries of its ledger, and their sum |
//! | `timephased 6/6 4/2 ... [forward] [no_backward] [accumulation] [order=3@7]` | prints the ATP of each period from its supply/demand, and the period in which an order of 3 for period 7 can be promised |
//! | `available C S` | prints what a defined channel may sell |
//! | `promise TIME transit=3-5 [zone=Europe/Berlin] [cut_off=15:00] [works=mon-fri] [closed=DATE,DATE]` | prints between which dates an order of that time arrives |
//! | `promise ... [handling=0-1] [moves=mon-sat] [delivers=mon-fri] [off=DATE,DATE]` | every day, in UTC, without handling, unless told |
//! | `market ... [promise_late=100000] [promise_early=50000] [promise_zone=Europe/Berlin]` | promises are learned: shares of orders in millionths |
//! | `market ... [transit=3-5] [handling=0-1] [moves=mon-sat] [delivers=mon-fri] [off=DATE,DATE]` | and made by calendar while too little is known; without `transit` only its delivery days count |
//! | `order O ... [postcode=750]`, `item S ... [weight_g=500]` | what promises are learned by |
//! | `show O/f1` | prints where a fulfilment stands, and its parcels |
//! | `policy NAME` | PolicyActivated with the file of that name in deploy/policies |
//! | `policy`, and below it `| name = "x"` ... | PolicyActivated with the document below, a line each |
//! | `retire_policy NAME` | PolicyRetired |
//! | `close_wave W [nodes=N,M] [before=TIME] [orders=50] [steps=1000]` | WaveClosed |
//! | `score N` | prints what a node made of its work lately |
//! | `why O` | prints the rule that decided, what was tried before, and what became of each node |
//!
//! Work at nodes and on the way. A target is `O/f1` or `any O`.
//!
//! | command | meaning |
//! |---|---|
//! | `market ... [return_days=30] [return_fee=4.95] [worst_condition=opened] [max_parcel_g=30000]` | how returns and parcels are judged |
//! | `node N ... [takes_returns] [kind=partner]`, `item S ... [final_sale]` | |
//! | `order O lines S:2@7.77-2.46+0.92 [pickup=N]` | with a price, a discount and a tax of the line; collected at N |
//! | `cancel O to_origin` | what is under way is called back |
//! | `pick T [line 1 x2]`, `short T mismatch line 1 x1` | FulfilmentPicked, FulfilmentShortPicked |
//! | `pack O/f1 P1 line 1 x2 [weight=900] [backordered]` | FulfilmentPacked |
//! | `hand_over O/f1 dhl P1:JD1 P2:JD2 [manifest=M1]` | FulfilmentHandedOver: parcel and number |
//! | `market ... [pickup_supply=any_node]`, `order ... [pickup_supply=node_only]` | who may supply what is collected |
//! | `reach_node T [line 1 x2]`, `forward T [carrier=ups number=1Z9]` | FulfilmentArrivedAtNode, FulfilmentForwarded; `ship` takes a number too |
//! | `ready T`, `collect T [line 1 x2]`, `uncollected T`, `back_in_stock T` | pick-up orders |
//! | `relocate O/f1 N [line 1 x2]` | FulfilmentMoved |
//! | `carrier ups DL:out_for_delivery D:delivered` | CarrierDefined |
//! | `track ups 1Z9 DL [happened=TIME] [place=Lyon]`, `hand_on ups 1Z9 post X1` | what carriers say |
//! | `lost T`, `damaged T`, `back_at_origin T [destroyed]` | what will not arrive |
//! | `return O R1 line 1 x2 refund [faulty] ... [from=48.8,2.3]`, `expire_return O R1` | ReturnRequested, ReturnExpired |
//! | `came_back O R1 at=N line 1 x2 restock [of L1] [serials A,B] ...`, `inspect O R1 at=N line 1 x2 destroy` | what came in |
//! | `blind_return N S 2 quarantine` | BlindReturnReceived |
//! | `hours N Mo-Fr 9:00-12:00,13:00-17:00 Sa 9:00-12:00 [closed=2025-06-09,...] [open=2025-06-15@9:00-12:00] [cut_off=15:00] [processing=4h] [zone=Europe/Berlin]` | NodeCalendarSet |
//! | `pause N [keep] [reason=strike] [until=TIME]`, `resume_node N`, `offboard N [reason=closed]` | NodePaused, NodeResumed, NodeOffboarded |
//! | `feedback O R1 4`, `close_ticket O 1 [resolution=paid]` | OrderFeedback, TicketClosed |
//!
//! Purchasing and suppliers. A line of a purchase order is named by its number; a share is `2%`.
//!
//! | command | meaning |
//! |---|---|
//! | `purchase PO from ACME to N S:10@100.00 ... [due=TIME] [company=C]` | PurchaseOrderIssued |
//! | `purchase ... [receipt_allowance=50%] [basis=ordered] [billing_allowance=20%] [tolerance=2%]` | its terms; `change_purchase` takes them too |
//! | `acknowledge PO [1:8@99.00 ...] [due=TIME]` | PurchaseOrderAcknowledged; without lines as ordered |
//! | `hold_purchase PO audit`, `unhold_purchase PO`, `close_purchase PO`, `cancel_purchase PO` | |
//! | `change_purchase PO [line 1 x20 [price=9.90]] [add 2 T:5@1.00] [due=TIME]` | PurchaseOrderChanged |
//! | `announce PO A1 [line 1 x6 ...] due=TIME` | ShipNoticeReceived |
//! | `goods PO R1 1:90/2/5 *T:3 [notice=A1]` | ReceiptBooked: accepted, damaged, refused at the door; `*` names a SKU |
//! | `goods ... lot=1:L1@2025-06-30 serials=1:A,1:B damaged_serials=1:C` | what a line's goods are known by |
//! | `unreceive PO R1` | ReceiptReversed |
//! | `bill PO I1 1:95@10.00`, `release_bill PO I1 [accept_price]` | SupplierInvoiceReceived, SupplierInvoiceReleased |
//! | `list_item N S [as=X-1] [cost=4.20] [withdrawn]`, `feed N S 5 [stale_after=4h]` | SupplierItemListed, SupplierStockFed |
//! | `node ... [sla_days=2 [zone=Australia/Sydney] [off=2025-06-09,2025-06-20]]` | its dispatch SLA |
//! | `item S ... [buy_of=ACME [multiple=6]]` | whom it is bought of when customers wait |
//! | `purchase_order PO`, `inbound N S` | print where it stands; what is expected, by date |

mod changes;
mod lots;
mod nodes;
mod parse;
mod play;
mod policies;
mod promise;
mod render;
mod render_supply;
mod serials;
mod stock;
mod supply;
mod words;
mod work;

use omnifold_events::jsonl::FileEvent;

pub use parse::parse;
pub use play::{
    FulfilmentFigures, Mismatch, ParcelFigures, PhasedTable, Player, StockFigures, play,
};
pub use promise::PromiseQuestion;
pub use render::{render, render_fulfilment, render_stock};

/// One command with the output it must have.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Line of the file, from 1.
    pub line: usize,
    /// The command as it stands there.
    pub text: String,
    /// What it does.
    pub action: Action,
    /// The lines it must print.
    pub expected: Vec<String>,
}

/// What a command does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An event arrives.
    Event(Box<FileEvent>),
    /// The engine is stopped and started again.
    Restart,
    /// The ledger of a (node, SKU) is printed.
    ShowLedger {
        /// The node.
        node: String,
        /// The SKU.
        sku: String,
        /// Only what acts at or before this instant, milliseconds since the Unix epoch.
        as_of_ms: Option<i64>,
    },
    /// What a channel may sell is printed.
    ShowAvailable {
        /// The channel.
        channel: String,
        /// The SKU.
        sku: String,
    },
    /// The ATP of each period of a table is printed.
    ShowPhased(PhasedTable),
    /// What a (node, SKU) may expect is printed, by date.
    ShowInbound {
        /// The node.
        node: String,
        /// The SKU.
        sku: String,
    },
    /// Print where a unit is, and has been.
    ShowSerial {
        /// Its item.
        sku: String,
        /// Its serial number.
        serial: String,
    },
    /// Where a purchase order stands is printed.
    ShowPurchaseOrder {
        /// Its id.
        id: String,
    },
    /// A delivery promise by calendars is printed.
    Promise(Box<PromiseQuestion>),
    /// The stock of a (node, SKU) is printed.
    ShowStock {
        /// The node.
        node: String,
        /// The SKU.
        sku: String,
    },
    /// The score of a node is printed.
    ShowScore {
        /// The node.
        node: String,
    },
    /// Why the newest explained decision on an order came out as it did is printed.
    ShowWhy {
        /// The order's channel.
        channel: String,
        /// The order.
        order_id: String,
    },
    /// Where a fulfilment stands is printed.
    ShowFulfilment {
        /// `channel/order_id/fN`.
        id: String,
    },
}

/// A line that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}: `{text}`")]
pub struct ScenarioError {
    /// Line of the file, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// What is wrong with it.
    pub what: String,
}

#[cfg(test)]
mod tests;
