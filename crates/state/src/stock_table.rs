//! Stock rows, kept together by SKU: routing asks for one SKU at every node.

use omnifold_domain::{NodeIx, Offer, SkuIx, Stock, StockAt};

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::recent::Recent;
use crate::rows::{self, Key, Table, key_u32};

/// The stock of one SKU at every node that stocks it: three columns of one length, by node. What
/// routing reads of a row is a third of it, and lies together.
#[derive(Default)]
struct Block {
    offers: Vec<Offer>,
    rows: Vec<StockAt>,
    cells: Vec<Cell>,
    /// The newest epoch that changed a row.
    changed_epoch: u64,
    loaded: bool,
    used: bool,
}

#[derive(Default, Clone, Copy)]
struct Cell {
    digest: u128,
    dirty: bool,
    /// The newest epoch that changed it, and its image's place there.
    changed_epoch: u64,
    image: u32,
}

#[derive(Default)]
pub(crate) struct StockTable {
    /// By SKU number.
    blocks: Vec<Block>,
    loaded_rows: usize,
    /// Where the sweep for rows to forget goes on.
    hand: usize,
}

impl StockTable {
    fn block(&mut self, backend: &dyn Backend, sku: SkuIx) -> Result<&mut Block, StateError> {
        let place = sku.0 as usize;
        if self.blocks.len() <= place {
            self.blocks.resize_with(place + 1, Block::default);
        }
        let block = &mut self.blocks[place];
        if !block.loaded {
            *block = load(backend, sku)?;
            self.loaded_rows += block.rows.len();
        }
        block.used = true;
        Ok(block)
    }

    pub(crate) fn of(
        &mut self,
        backend: &dyn Backend,
        sku: SkuIx,
    ) -> Result<&[StockAt], StateError> {
        Ok(&self.block(backend, sku)?.rows)
    }

    pub(crate) fn offers(
        &mut self,
        backend: &dyn Backend,
        sku: SkuIx,
    ) -> Result<&[Offer], StateError> {
        Ok(&self.block(backend, sku)?.offers)
    }

    pub(crate) fn at(
        &mut self,
        backend: &dyn Backend,
        sku: SkuIx,
        node: NodeIx,
    ) -> Result<Option<Stock>, StateError> {
        let block = self.block(backend, sku)?;
        Ok(block.find(node).ok().map(|place| block.rows[place].stock))
    }

    /// Reads where a SKU's rows lie, where they are held.
    pub(crate) fn warm_block(&self, sku: SkuIx) -> usize {
        self.blocks.get(sku.0 as usize).map_or(0, |block| block.offers.len())
    }

    /// Reads some of each cache line of a SKU's offers, where they are held.
    pub(crate) fn warm_offers(&self, sku: SkuIx) -> i64 {
        const STEP: usize = 64 / size_of::<Offer>();
        let Some(block) = self.blocks.get(sku.0 as usize) else { return 0 };
        let each_line = block.offers.iter().step_by(STEP);
        each_line.fold(0, |sum, offer| sum ^ offer.on_hand)
    }

    /// Replaces or adds a row and returns what it was. `epoch` is the one under way.
    pub(crate) fn put(
        &mut self,
        backend: &dyn Backend,
        sku: SkuIx,
        at: StockAt,
        epoch: u64,
    ) -> Result<Option<Stock>, StateError> {
        let block = self.block(backend, sku)?;
        block.changed_epoch = epoch;
        let offer = Offer::of(at.node, &at.stock);
        match block.find(at.node) {
            Ok(place) => {
                block.offers[place] = offer;
                block.cells[place].dirty = true;
                Ok(Some(std::mem::replace(&mut block.rows[place], at).stock))
            }
            Err(place) => {
                block.offers.insert(place, offer);
                block.rows.insert(place, at);
                block.cells.insert(place, Cell { dirty: true, ..Cell::default() });
                self.loaded_rows += 1;
                Ok(None)
            }
        }
    }

    /// Takes back the adding of a row.
    pub(crate) fn remove(&mut self, sku: SkuIx, node: NodeIx) {
        let block = &mut self.blocks[sku.0 as usize];
        if let Ok(place) = block.find(node) {
            block.offers.remove(place);
            block.rows.remove(place);
            block.cells.remove(place);
            self.loaded_rows -= 1;
        }
    }

    /// Encodes a row that a step changed, while it is warm.
    pub(crate) fn settle(
        &mut self,
        sku: SkuIx,
        node: NodeIx,
        recent: &mut Recent,
        digest: &mut Digest,
    ) {
        let block = &mut self.blocks[sku.0 as usize];
        let Ok(place) = block.find(node) else { return };
        let cell = &mut block.cells[place];
        if !std::mem::replace(&mut cell.dirty, false) {
            return;
        }
        let earlier = (cell.changed_epoch == recent.epoch).then_some(cell.image);
        let (key, stock) = (Key::stock(sku, node), &block.rows[place].stock);
        let (image, hash) = recent.current.encode(Table::Stock, &key, earlier, stock);
        digest.replace(std::mem::replace(&mut cell.digest, hash), hash);
        (cell.changed_epoch, cell.image) = (recent.epoch, image);
    }

    /// Forgets SKUs not used since the last sweep until at most `max_rows` rows are held. What a
    /// flushed checkpoint does not hold stays.
    pub(crate) fn forget(&mut self, max_rows: usize, flushed_epoch: u64) {
        let mut looked_at = 0;
        while self.loaded_rows > max_rows && looked_at < 2 * self.blocks.len() {
            self.hand = (self.hand + 1) % self.blocks.len();
            looked_at += 1;
            let block = &mut self.blocks[self.hand];
            let used = std::mem::replace(&mut block.used, false);
            if !block.loaded || used || block.changed_epoch > flushed_epoch {
                continue;
            }
            self.loaded_rows -= block.rows.len();
            *block = Block::default();
        }
    }

    pub(crate) fn loaded_rows(&self) -> usize {
        self.loaded_rows
    }
}

impl Block {
    /// The node's place, or where it would stand.
    fn find(&self, node: NodeIx) -> Result<usize, usize> {
        self.offers.binary_search_by_key(&node, |offer| offer.node)
    }
}

fn load(backend: &dyn Backend, sku: SkuIx) -> Result<Block, StateError> {
    let mut block = Block { loaded: true, ..Block::default() };
    let (from, to) = (sku.0.to_be_bytes(), (sku.0 + 1).to_be_bytes());
    backend.scan(Table::Stock, &from, &to, &mut |key, value| {
        let node = NodeIx(key_u32(key, 4).unwrap_or_default());
        let stock: Stock = rows::decode(Table::Stock, key, value)?;
        let digest = Digest::of_small_row(Table::Stock, key, &value[1..]);
        block.offers.push(Offer::of(node, &stock));
        block.rows.push(StockAt { node, stock });
        block.cells.push(Cell { digest, ..Cell::default() });
        Ok(())
    })?;
    Ok(block)
}
