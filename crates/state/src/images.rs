//! Rows as one epoch left them, encoded; and the checkpoint that is made of them.

use std::sync::Arc;

use serde::Serialize;

use crate::digest::Digest;
use crate::rows::{self, Key, MAX_KEY, Table};

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
    value: Option<(u32, u32)>,
}

impl Images {
    /// Room for as much as another epoch took: epochs are much alike.
    pub(crate) fn sized_like(other: &Images) -> Self {
        Images {
            bytes: Vec::with_capacity(other.bytes.len()),
            rows: Vec::with_capacity(other.rows.len()),
            dropped_buckets: Vec::new(),
        }
    }

    /// Adds a row, or gives the row at place `earlier` of this epoch its new value. Returns its place
    /// and what it adds to the digest.
    pub(crate) fn encode<V: Serialize>(
        &mut self,
        table: Table,
        key: &Key,
        earlier: Option<u32>,
        value: &V,
    ) -> (u32, u128) {
        let start = self.bytes.len();
        let canonical = rows::encode(value, &mut self.bytes);
        let hash = Digest::of_small_row(table, key.as_bytes(), &self.bytes[canonical..]);
        let value = Some(self.stored_since(start));
        match earlier {
            Some(place) => {
                self.rows[place as usize].value = value;
                (place, hash)
            }
            None => (self.note(table, key, value), hash),
        }
    }

    /// Adds a row whose stored form is these bytes alone. Returns what it adds to the digest.
    pub(crate) fn put(&mut self, table: Table, key: &Key, stored: &[u8]) -> u128 {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(stored);
        let value = self.stored_since(start);
        self.note(table, key, Some(value));
        Digest::of_small_row(table, key.as_bytes(), stored)
    }

    fn stored_since(&self, start: usize) -> (u32, u32) {
        let place = |at: usize| u32::try_from(at).expect("an epoch's rows are bounded");
        (place(start), place(self.bytes.len() - start))
    }

    /// Notes that a row is gone.
    pub(crate) fn push_deleted(&mut self, table: Table, key: &Key) {
        self.note(table, key, None);
    }

    fn note(&mut self, table: Table, key: &Key, value: Option<(u32, u32)>) -> u32 {
        let mut bytes = [0; MAX_KEY];
        let text = key.as_bytes();
        bytes[..text.len()].copy_from_slice(text);
        self.rows.push(Image { table, key: bytes, key_len: text.len() as u8, value });
        (self.rows.len() - 1) as u32
    }

    /// Adds a row in its stored form as it is, for tools and for tests that plant a fault.
    ///
    /// # Panics
    /// Where the key is longer than any table's.
    pub fn plant(&mut self, table: Table, key: &[u8], stored: &[u8]) {
        self.put(table, &Key::new(&[key]), stored);
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

    /// The stored form of a row, by its place.
    pub(crate) fn value(&self, row: usize) -> Option<&[u8]> {
        let (start, length) = self.rows[row].value?;
        Some(&self.bytes[start as usize..(start + length) as usize])
    }
}

/// Table, key, and stored form; `None`: the row is gone.
pub type RowImage<'a> = (Table, &'a [u8], Option<&'a [u8]>);

/// Rows exactly as they stood at one acknowledged epoch, with the position they stand for.
#[derive(Debug, Default, Clone)]
pub struct Checkpoint {
    epochs: Vec<Arc<Images>>,
    /// Where the state stands, in the words of whoever keeps it.
    pub position: Vec<u8>,
}

impl Checkpoint {
    /// A checkpoint of these epochs, oldest first.
    pub fn new(epochs: Vec<Arc<Images>>, position: Vec<u8>) -> Self {
        Checkpoint { epochs, position }
    }

    /// Buckets of event ids to be dropped.
    pub fn dropped_buckets(&self) -> impl Iterator<Item = u32> {
        self.epochs.iter().flat_map(|images| images.dropped_buckets.iter().copied())
    }

    /// Every changed row once, as the newest epoch left it, by table and key: RocksDB takes sorted
    /// rows fastest.
    pub fn newest_rows(&self) -> Vec<RowImage<'_>> {
        let mut rows: Vec<RowImage<'_>> = Vec::new();
        for place in self.sorted_places() {
            let images = &self.epochs[place.epoch as usize];
            let (table, key) = images.key(place.row as usize);
            let value = images.value(place.row as usize);
            match rows.last_mut() {
                Some(last) if (last.0, last.1) == (table, key) => last.2 = value,
                _ => rows.push((table, key, value)),
            }
        }
        rows
    }

    /// Every image, by table, key and age.
    fn sorted_places(&self) -> Vec<Place> {
        let total = self.epochs.iter().map(|images| images.len()).sum();
        let mut places = Vec::with_capacity(total);
        for (epoch, images) in self.epochs.iter().enumerate() {
            let rows = images.rows.iter().enumerate();
            places.extend(rows.map(|(row, image)| image.place(epoch as u32, row as u32)));
        }
        places.sort_unstable();
        places
    }
}

/// Sorts as (table, key, epoch, row) does, without a look at the image: numbers in place of bytes.
/// Keys of one table are of one length, so padding them changes no order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The table's number, the key's first 16 bytes, and the last 4.
    key: (u8, u128, u32),
    epoch: u32,
    row: u32,
}

impl Image {
    fn place(&self, epoch: u32, row: u32) -> Place {
        let (first, rest) = self.key.split_at(16);
        let first = u128::from_be_bytes(first.try_into().expect("16 bytes"));
        let rest = u32::from_be_bytes(rest.try_into().expect("4 bytes"));
        Place { key: (self.table as u8, first, rest), epoch, row }
    }
}
