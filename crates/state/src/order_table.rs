//! Orders in memory.
//!
//! Most orders are placed, assigned in the same step, and not looked at again for hours. So what a
//! step leaves behind is the encoded row among the epoch's images ([`Recent`]); of an order that no
//! flushed checkpoint holds only its place there is kept. Orders that wait, and those that are read
//! again, are kept as they are up to a bound: forgetting one costs decoding it again.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use omnifold_domain::{Fulfilment, FulfilmentState, NodeIx, Order, OrderKey};
use rustc_hash::FxHashMap;

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::known::{Known, Unread};
use crate::recent::Recent;
use crate::rows::{self, Key, Table};

/// 64-byte lines of the filter: 4 MiB, for about 2.8 million orders.
const FILTER_LINES: usize = 65_536;

/// What is known of one order.
#[derive(Default)]
struct Cell {
    order: Option<Arc<Order>>,
    /// What its row adds to the digest; 0: there is no such order, or none before this step.
    digest: u128,
    /// The newest epoch that changed it, and its image's place there.
    changed_epoch: u64,
    image: u32,
    /// Among the orders that are kept as they are.
    kept: bool,
    dirty: bool,
    /// The step whose undo already holds the earlier image.
    undone_step: u64,
}

/// Where rows are that are not in the table.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub backend: &'a dyn Backend,
    pub recent: &'a Recent,
}

pub(crate) struct OrderTable {
    cells: FxHashMap<OrderKey, Cell>,
    /// Orders that are kept, oldest first.
    kept: VecDeque<OrderKey>,
    known: Known,
    max: usize,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

impl OrderTable {
    /// A table that keeps at most `max` orders as they are, and the keys that are to be read.
    pub(crate) fn open(max: usize) -> (Self, Unread) {
        let (known, unread) = Known::stored(Table::Order, &[], &[], FILTER_LINES);
        let (cells, kept) = (FxHashMap::default(), VecDeque::new());
        (OrderTable { cells, kept, known, max, hits: 0, misses: 0 }, unread)
    }

    fn cell(&mut self, rows: Rows<'_>, key: OrderKey) -> Result<&mut Cell, StateError> {
        let cell = match self.cells.entry(key) {
            Entry::Occupied(there) => {
                self.hits += 1;
                there.into_mut()
            }
            Entry::Vacant(place) => {
                let mut cell = Cell::default();
                if self.known.may_contain(key.0) {
                    self.misses += 1;
                    cell.load(rows.backend, key)?;
                }
                place.insert(cell)
            }
        };
        if cell.order.is_none() && cell.digest != 0 {
            cell.restore(rows.recent, key)?;
        }
        if cell.order.is_some() && !cell.kept && cell.digest != 0 {
            cell.kept = true;
            self.kept.push_back(key);
        }
        Ok(cell)
    }

    /// Reads what is looked into for an order that is new.
    pub(crate) fn warm(&self, key: OrderKey) -> bool {
        self.cells.contains_key(&key) ^ self.known.may_contain(key.0)
    }

    pub(crate) fn get(
        &mut self,
        rows: Rows<'_>,
        key: OrderKey,
    ) -> Result<Option<&Arc<Order>>, StateError> {
        Ok(self.cell(rows, key)?.order.as_ref())
    }

    /// Orders of which a node holds units that have not left, the oldest first. Reads every row.
    pub(crate) fn open_at(
        &self,
        rows: Rows<'_>,
        node: NodeIx,
    ) -> Result<Vec<OrderKey>, StateError> {
        self.with_part(rows, |_, part| {
            part.node == node && part.lines.iter().any(|line| line.allocated > 0)
        })
    }

    /// Orders placed before an instant of which a node holds units that it has not begun, the oldest
    /// first. Reads every row.
    pub(crate) fn not_begun(
        &self,
        rows: Rows<'_>,
        placed_before: i64,
    ) -> Result<Vec<OrderKey>, StateError> {
        use FulfilmentState::{Accepted, Assigned};
        self.with_part(rows, |order, part| {
            order.placed_at < placed_before
                && matches!(part.state, Assigned | Accepted)
                && part.lines.iter().any(|line| line.allocated > 0)
        })
    }

    /// Orders with a fulfilment like this, the oldest first.
    fn with_part(
        &self,
        rows: Rows<'_>,
        is_wanted: impl Fn(&Order, &Fulfilment) -> bool,
    ) -> Result<Vec<OrderKey>, StateError> {
        let mut found = Vec::new();
        let mut look = |key: OrderKey, order: &Order| {
            if order.fulfilments.iter().any(|part| is_wanted(order, part)) {
                found.push((order.placed_step, key));
            }
        };
        for (&key, cell) in &self.cells {
            match &cell.order {
                Some(order) => look(key, order),
                None if cell.digest != 0 => look(key, &cell.decoded(rows.recent, key)?),
                None => {}
            }
        }
        rows.backend.scan(Table::Order, &[], &[], &mut |bytes, stored| {
            let key = <[u8; 16]>::try_from(bytes).map_err(|_| rows::no_key(Table::Order, bytes))?;
            let key = OrderKey(u128::from_be_bytes(key));
            if !self.cells.contains_key(&key) {
                look(key, &rows::decode(Table::Order, bytes, stored)?);
            }
            Ok(())
        })?;
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, key)| key).collect())
    }

    /// Gives the order to be changed, and the earlier image at the first change of a step.
    pub(crate) fn touch(
        &mut self,
        rows: Rows<'_>,
        key: OrderKey,
        step: u64,
    ) -> Result<(&mut Option<Arc<Order>>, Option<Undone>), StateError> {
        let cell = self.cell(rows, key)?;
        cell.dirty = true;
        let first = cell.undone_step != step;
        cell.undone_step = step;
        let undone = first.then(|| Undone(cell.order.clone()));
        Ok((&mut cell.order, undone))
    }

    pub(crate) fn take_back(&mut self, key: OrderKey, old: Option<Arc<Order>>) {
        if let Some(cell) = self.cells.get_mut(&key) {
            cell.order = old;
            cell.dirty = false;
        }
    }

    /// Encodes an order that a step changed, while it is warm. A new one that does not wait is not
    /// kept.
    pub(crate) fn settle(&mut self, key: OrderKey, recent: &mut Recent, digest: &mut Digest) {
        let cell = self.cells.get_mut(&key).expect("changed orders are in memory");
        if !std::mem::replace(&mut cell.dirty, false) {
            return;
        }
        let Some(order) = &cell.order else { return };
        let earlier = (cell.changed_epoch == recent.epoch).then_some(cell.image);
        let row = Key::order(key);
        let (image, hash) = recent.current.encode(Table::Order, &row, earlier, &**order);
        let waits = order.lines.iter().any(|line| line.waiting > 0);
        let before = std::mem::replace(&mut cell.digest, hash);
        digest.replace(before, hash);
        (cell.changed_epoch, cell.image) = (recent.epoch, image);
        if before == 0 {
            self.known.insert(key.0);
        }
        if cell.kept {
            return;
        }
        if waits {
            cell.kept = true;
            self.kept.push_back(key);
        } else {
            cell.order = None;
        }
    }

    /// Forgets the oldest of the orders that are kept, beyond the bound.
    pub(crate) fn forget(&mut self, flushed_epoch: u64) {
        while self.kept.len() > self.max {
            let Some(key) = self.kept.pop_front() else { break };
            let Entry::Occupied(mut there) = self.cells.entry(key) else { continue };
            let cell = there.get_mut();
            (cell.order, cell.kept) = (None, false);
            if cell.changed_epoch <= flushed_epoch {
                there.remove();
            }
        }
    }

    /// A checkpoint up to this epoch is on the medium: those rows can be read there.
    pub(crate) fn flushed(&mut self, epoch: u64) {
        self.cells.retain(|_, cell| cell.kept || cell.dirty || cell.changed_epoch > epoch);
    }

    /// Orders kept as they are.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Orders that no flushed checkpoint holds, and others kept.
    pub(crate) fn cells(&self) -> usize {
        self.cells.len()
    }
}

/// What stood there before a step.
pub(crate) struct Undone(pub Option<Arc<Order>>);

impl Cell {
    fn load(&mut self, backend: &dyn Backend, key: OrderKey) -> Result<(), StateError> {
        let row = Key::order(key);
        if let Some(stored) = backend.get(Table::Order, row.as_bytes())? {
            let order = rows::decode(Table::Order, row.as_bytes(), &stored)?;
            self.order = Some(Arc::new(order));
            self.digest = Digest::of_small_row(Table::Order, row.as_bytes(), &stored[1..]);
        }
        Ok(())
    }

    /// Decodes what a step left among the images.
    fn restore(&mut self, recent: &Recent, key: OrderKey) -> Result<(), StateError> {
        self.order = Some(Arc::new(self.decoded(recent, key)?));
        Ok(())
    }

    fn decoded(&self, recent: &Recent, key: OrderKey) -> Result<Order, StateError> {
        let stored = recent.row(self.changed_epoch, self.image);
        let stored = stored.expect("images stay until a flushed checkpoint holds them");
        rows::decode(Table::Order, Key::order(key).as_bytes(), stored)
    }
}
