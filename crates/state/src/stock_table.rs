//! Stock rows, kept together by SKU: routing asks for one SKU at every node.

use omnifold_domain::{NodeIx, SkuIx, Stock, StockAt};

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::images::Images;
use crate::rows::{self, Key, Table, key_u32};

/// The stock of one SKU at every node that stocks it.
#[derive(Default)]
struct Block {
    rows: Vec<StockAt>,
    cells: Vec<Cell>,
    /// The newest epoch that changed a row; `u64::MAX` while the epoch is under way.
    changed_epoch: u64,
    used: bool,
}

#[derive(Default, Clone, Copy)]
struct Cell {
    digest: u128,
    dirty: bool,
}

#[derive(Default)]
pub(crate) struct StockTable {
    /// By SKU number.
    blocks: Vec<Option<Box<Block>>>,
    loaded_rows: usize,
    dirty: Vec<(SkuIx, NodeIx)>,
    /// Where the sweep for rows to forget goes on.
    hand: usize,
}

impl StockTable {
    fn block(&mut self, backend: &dyn Backend, sku: SkuIx) -> Result<&mut Block, StateError> {
        let place = sku.0 as usize;
        if self.blocks.len() <= place {
            self.blocks.resize_with(place + 1, || None);
        }
        if self.blocks[place].is_none() {
            let block = load(backend, sku)?;
            self.loaded_rows += block.rows.len();
            self.blocks[place] = Some(Box::new(block));
        }
        let block = self.blocks[place].as_mut().expect("just loaded");
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

    /// Replaces or adds a row and returns what it was.
    pub(crate) fn put(
        &mut self,
        backend: &dyn Backend,
        sku: SkuIx,
        node: NodeIx,
        stock: Stock,
    ) -> Result<Option<Stock>, StateError> {
        let block = self.block(backend, sku)?;
        block.changed_epoch = u64::MAX;
        let found = block.rows.binary_search_by_key(&node, |row| row.node);
        let (place, old) = match found {
            Ok(place) => (place, Some(std::mem::replace(&mut block.rows[place].stock, stock))),
            Err(place) => {
                block.rows.insert(place, StockAt { node, stock });
                block.cells.insert(place, Cell::default());
                (place, None)
            }
        };
        let newly_dirty = !std::mem::replace(&mut block.cells[place].dirty, true);
        if old.is_none() {
            self.loaded_rows += 1;
        }
        if newly_dirty {
            self.dirty.push((sku, node));
        }
        Ok(old)
    }

    /// Takes back the adding of a row.
    pub(crate) fn remove(&mut self, sku: SkuIx, node: NodeIx) {
        let block = self.blocks[sku.0 as usize].as_mut().expect("the row was just added");
        if let Ok(place) = block.rows.binary_search_by_key(&node, |row| row.node) {
            block.rows.remove(place);
            block.cells.remove(place);
            self.loaded_rows -= 1;
        }
        self.dirty.retain(|&row| row != (sku, node));
    }

    pub(crate) fn end_epoch(&mut self, epoch: u64, images: &mut Images, digest: &mut Digest) {
        for (sku, node) in std::mem::take(&mut self.dirty) {
            let block = self.blocks[sku.0 as usize].as_mut().expect("dirty rows are loaded");
            block.changed_epoch = epoch;
            let place = block.rows.binary_search_by_key(&node, |row| row.node);
            let place = place.expect("dirty rows are there");
            let key = Key::stock(sku, node);
            let start = images.buffer().len();
            let canonical = rows::encode(&block.rows[place].stock, images.buffer());
            let value = &images.buffer()[canonical..];
            let hash = Digest::of_small_row(Table::Stock, key.as_bytes(), value);
            let cell = &mut block.cells[place];
            digest.replace(cell.digest, hash);
            *cell = Cell { digest: hash, dirty: false };
            images.push(Table::Stock, &key, start);
        }
    }

    /// Forgets SKUs not used since the last sweep until at most `max_rows` rows are held. What a
    /// flushed checkpoint does not hold stays.
    pub(crate) fn forget(&mut self, max_rows: usize, flushed_epoch: u64) {
        let mut looked_at = 0;
        while self.loaded_rows > max_rows && looked_at < 2 * self.blocks.len() {
            self.hand = (self.hand + 1) % self.blocks.len();
            looked_at += 1;
            let Some(block) = self.blocks[self.hand].as_mut() else { continue };
            if std::mem::replace(&mut block.used, false) || block.changed_epoch > flushed_epoch {
                continue;
            }
            self.loaded_rows -= block.rows.len();
            self.blocks[self.hand] = None;
        }
    }

    /// SKUs of the rows that the epoch changed so far, each once.
    pub(crate) fn dirty_skus(&self) -> Vec<SkuIx> {
        let mut skus: Vec<SkuIx> = self.dirty.iter().map(|&(sku, _)| sku).collect();
        skus.sort_unstable();
        skus.dedup();
        skus
    }

    pub(crate) fn loaded_rows(&self) -> usize {
        self.loaded_rows
    }
}

fn load(backend: &dyn Backend, sku: SkuIx) -> Result<Block, StateError> {
    let mut block = Block::default();
    let (from, to) = (sku.0.to_be_bytes(), (sku.0 + 1).to_be_bytes());
    backend.scan(Table::Stock, &from, &to, &mut |key, value| {
        let node = NodeIx(key_u32(key, 4).unwrap_or_default());
        let stock: Stock = rows::decode(Table::Stock, key, value)?;
        let digest = Digest::of_small_row(Table::Stock, key, &value[1..]);
        block.rows.push(StockAt { node, stock });
        block.cells.push(Cell { digest, dirty: false });
        Ok(())
    })?;
    Ok(block)
}
