//! Rows as one epoch left them, encoded; and the checkpoint that is made of them.

use crate::Table;
use crate::rows::{Key, MAX_KEY};

/// What one epoch did to the rows.
#[derive(Debug, Default, Clone)]
pub struct Images {
    bytes: Vec<u8>,
    rows: Vec<Image>,
    /// Buckets of event ids that are past the horizon.
    pub(crate) dropped_buckets: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Image {
    table: Table,
    key: [u8; MAX_KEY],
    key_len: u8,
    /// Start and length of the stored form; no row where `None`.
    value: Option<(usize, u32)>,
}

impl Images {
    /// The buffer that the next row's stored form goes to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Notes a row whose stored form was just appended to [`Images::buffer`] from `start` on.
    pub(crate) fn push(&mut self, table: Table, key: &Key, start: usize) {
        let length = u32::try_from(self.bytes.len() - start).expect("rows are small");
        self.note(table, key, Some((start, length)));
    }

    /// Notes that a row is gone.
    pub(crate) fn push_deleted(&mut self, table: Table, key: &Key) {
        self.note(table, key, None);
    }

    fn note(&mut self, table: Table, key: &Key, value: Option<(usize, u32)>) {
        let mut bytes = [0; MAX_KEY];
        let text = key.as_bytes();
        bytes[..text.len()].copy_from_slice(text);
        self.rows.push(Image { table, key: bytes, key_len: text.len() as u8, value });
    }

    /// Adds a row in its stored form as it is, for tools and for tests that plant a fault.
    ///
    /// # Panics
    /// Where the key is longer than any table's.
    pub fn plant(&mut self, table: Table, key: &[u8], stored: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(stored);
        self.push(table, &Key::new(&[key]), start);
    }

    /// Bytes held.
    pub fn byte_len(&self) -> usize {
        self.bytes.len() + self.rows.len() * size_of::<Image>()
    }

    /// Rows noted.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the epoch changed no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.dropped_buckets.is_empty()
    }

    fn key(&self, row: usize) -> (Table, &[u8]) {
        let image = &self.rows[row];
        (image.table, &image.key[..usize::from(image.key_len)])
    }

    fn value(&self, row: usize) -> Option<&[u8]> {
        let (start, length) = self.rows[row].value?;
        Some(&self.bytes[start..start + length as usize])
    }
}

/// Table, key, and stored form; `None`: the row is gone.
pub type RowImage<'a> = (Table, &'a [u8], Option<&'a [u8]>);

/// Rows exactly as they stood at one acknowledged epoch, with the position they stand for.
#[derive(Debug, Default, Clone)]
pub struct Checkpoint {
    epochs: Vec<Images>,
    /// Where the state stands, in the words of whoever keeps it.
    pub position: Vec<u8>,
}

impl Checkpoint {
    /// A checkpoint of these epochs, oldest first.
    pub fn new(epochs: Vec<Images>, position: Vec<u8>) -> Self {
        Checkpoint { epochs, position }
    }

    /// Buckets of event ids to be dropped.
    pub fn dropped_buckets(&self) -> impl Iterator<Item = u32> {
        self.epochs.iter().flat_map(|images| images.dropped_buckets.iter().copied())
    }

    /// Every changed row once, as the newest epoch left it, by table and key: RocksDB takes sorted
    /// rows fastest.
    pub fn newest_rows(&self) -> Vec<RowImage<'_>> {
        let total = self.epochs.iter().map(Images::len).sum();
        let mut places: Vec<(Table, &[u8], u32, u32)> = Vec::with_capacity(total);
        for (epoch, images) in self.epochs.iter().enumerate() {
            for row in 0..images.len() {
                let (table, key) = images.key(row);
                places.push((table, key, epoch as u32, row as u32));
            }
        }
        places.sort_unstable();
        let mut rows: Vec<RowImage<'_>> = Vec::with_capacity(places.len());
        for (table, key, epoch, row) in places {
            let value = self.epochs[epoch as usize].value(row as usize);
            match rows.last_mut() {
                Some(last) if (last.0, last.1) == (table, key) => last.2 = value,
                _ => rows.push((table, key, value)),
            }
        }
        rows
    }
}
