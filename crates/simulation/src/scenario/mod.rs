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
//! | `count N S 5` | StockCounted |
//! | `adjust N S -2 [reason=sale]` | StockAdjusted, `received` or `correction` by its sign |
//! | `settings N S [buffer=2] [backorder_limit=10] [flagged_out]` | StockSettingsSet |
//! | `order O lines S:3 T:1@9.90 [to 48.8,2.3] [from=N1,N2] [priority=5] [coverage=allow_partial]` | OrderPlaced; lines are named 1, 2, 3 ...; `@` is the unit price in euros |
//! | `order ... [shipping=4.95] [tax=1] [discount=5]` | its charges |
//! | `order ... [method=express] [date=2025-06-05] [since=TIME] [until=TIME] [wrap=red] [gift]` | its terms of delivery; `change` takes them too |
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
//! | `stock N S` | prints the stock of a (node, SKU) |

mod changes;
mod parse;
mod play;
mod render;
mod words;

use omnifold_events::jsonl::FileEvent;

pub use parse::parse;
pub use play::{Mismatch, Player, StockFigures, play};
pub use render::{render, render_stock};

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
    /// The stock of a (node, SKU) is printed.
    ShowStock {
        /// The node.
        node: String,
        /// The SKU.
        sku: String,
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
