//! Event ids that took effect or were refused, for a horizon of the market's clock.
//!
//! Ids stand in buckets of the clock's time at which they were folded, an eighth of the horizon
//! each. A bucket is dropped as a whole once the clock has passed it by the horizon and by as much
//! as a record may be ahead of the clock: an event of such a bucket is older than the horizon then
//! and refused by its time, so a forgotten id is never applied twice.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::digest::Digest;
use crate::filter::Filter;
use crate::images::Images;
use crate::rows::{self, Key, Table};
use crate::{StateError, rows::key_u32};

/// Buckets the horizon is cut into.
const BUCKETS: i64 = 8;

#[derive(Default, Clone, Serialize, Deserialize)]
struct Bucket {
    count: u64,
    /// What its rows add to the digest.
    digest: u128,
    #[serde(skip)]
    dirty: bool,
    /// Some rows are in the backend.
    #[serde(skip)]
    stored: bool,
    /// Which ids are in it; `None` for a bucket that was there when the state was opened.
    #[serde(skip)]
    filter: Option<Filter>,
}

/// Ids of one market.
#[derive(Default)]
pub(crate) struct SeenTable {
    buckets: BTreeMap<u32, Bucket>,
    /// Rows that no flushed checkpoint holds: id to (bucket, content, epoch).
    unflushed: FxHashMap<u128, (u32, u64, u64)>,
    /// Ids of the epoch under way, in the order they came.
    fresh: Vec<u128>,
    dropped: Vec<u32>,
}

impl SeenTable {
    pub(crate) fn load(backend: &dyn Backend) -> Result<Self, StateError> {
        let mut table = SeenTable::default();
        backend.scan(Table::SeenBucket, &[], &[], &mut |key, value| {
            let number = key_u32(key, 0).unwrap_or_default();
            let mut bucket: Bucket = rows::decode(Table::SeenBucket, key, value)?;
            bucket.stored = true;
            table.buckets.insert(number, bucket);
            Ok(())
        })?;
        Ok(table)
    }

    /// The content hash under which an id was seen.
    pub(crate) fn get(&self, backend: &dyn Backend, id: u128) -> Result<Option<u64>, StateError> {
        if let Some(&(_, content, _)) = self.unflushed.get(&id) {
            return Ok(Some(content));
        }
        let may_hold = |bucket: &Bucket| {
            bucket.stored && bucket.filter.as_ref().is_none_or(|filter| filter.may_contain(id))
        };
        for (&number, _) in self.buckets.iter().rev().filter(|(_, bucket)| may_hold(bucket)) {
            let stored = backend.get(Table::Seen, Key::seen(number, id).as_bytes())?;
            if let Some(content) = stored {
                return Ok(content.get(..8).map(|b| u64::from_be_bytes(b.try_into().expect("8"))));
            }
        }
        Ok(None)
    }

    /// Remembers an id. Bucket and digest take it at once, not at the epoch's end: an id may be past
    /// the horizon before that, and where epochs are cut must not show in the digest.
    pub(crate) fn insert(
        &mut self,
        id: u128,
        content: u64,
        clock_ms: i64,
        horizon_ms: i64,
        digest: &mut Digest,
    ) {
        let number = bucket_of(clock_ms, horizon_ms);
        let key = Key::seen(number, id);
        let hash = Digest::of_small_row(Table::Seen, key.as_bytes(), &content.to_be_bytes());
        digest.replace(0, hash);
        let new = || Bucket { filter: Some(Filter::new()), ..Bucket::default() };
        let bucket = self.buckets.entry(number).or_insert_with(new);
        if let Some(filter) = &mut bucket.filter {
            filter.insert(id);
        }
        bucket.count += 1;
        bucket.digest = bucket.digest.wrapping_add(hash);
        bucket.dirty = true;
        self.unflushed.insert(id, (number, content, u64::MAX));
        self.fresh.push(id);
    }

    /// Ids known, over all buckets: for invariant I3.
    pub(crate) fn total(&self) -> u64 {
        self.buckets.values().map(|bucket| bucket.count).sum()
    }

    /// Forgets the buckets that are past the horizon.
    pub(crate) fn drop_old(
        &mut self,
        clock_ms: i64,
        horizon_ms: i64,
        max_ahead_ms: i64,
        digest: &mut Digest,
    ) -> u64 {
        let mut gone = 0;
        while let Some((&number, bucket)) = self.buckets.first_key_value() {
            let end = (i64::from(number) + 1) * bucket_ms(horizon_ms);
            if end + max_ahead_ms > clock_ms - horizon_ms {
                break;
            }
            digest.replace(bucket.digest, 0);
            gone += bucket.count;
            self.unflushed.retain(|_, row| row.0 != number);
            self.fresh.retain(|id| self.unflushed.contains_key(id));
            self.dropped.push(number);
            self.buckets.pop_first();
        }
        gone
    }

    pub(crate) fn end_epoch(&mut self, epoch: u64, images: &mut Images) {
        for id in std::mem::take(&mut self.fresh) {
            let row = self.unflushed.get_mut(&id).expect("fresh ids are unflushed");
            row.2 = epoch;
            let start = images.buffer().len();
            images.buffer().extend_from_slice(&row.1.to_be_bytes());
            images.push(Table::Seen, &Key::seen(row.0, id), start);
        }
        for (&number, bucket) in self.buckets.iter_mut().filter(|(_, bucket)| bucket.dirty) {
            bucket.dirty = false;
            let start = images.buffer().len();
            rows::encode(bucket, images.buffer());
            images.push(Table::SeenBucket, &Key::number(number), start);
        }
        for number in self.dropped.drain(..) {
            images.push_deleted(Table::SeenBucket, &Key::number(number));
            images.dropped_buckets.push(number);
        }
    }

    /// A checkpoint up to this epoch is on the medium: those rows can be read there.
    pub(crate) fn flushed(&mut self, epoch: u64) {
        let buckets = &mut self.buckets;
        self.unflushed.retain(|_, &mut (number, _, row_epoch)| {
            let stored = row_epoch <= epoch;
            if stored && let Some(bucket) = buckets.get_mut(&number) {
                bucket.stored = true;
            }
            !stored
        });
    }

    pub(crate) fn unflushed(&self) -> usize {
        self.unflushed.len()
    }
}

fn bucket_ms(horizon_ms: i64) -> i64 {
    (horizon_ms / BUCKETS).max(1)
}

fn bucket_of(clock_ms: i64, horizon_ms: i64) -> u32 {
    u32::try_from(clock_ms / bucket_ms(horizon_ms)).unwrap_or(0)
}
