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
use crate::images::Images;
use crate::known::{Known, Unread};
use crate::recent::Recent;
use crate::rows::{self, Key, Table};
use crate::{StateError, rows::key_u32};

/// Buckets the horizon is cut into.
const BUCKETS: i64 = 8;
/// 64-byte lines of a bucket's filter: 2 MiB, for about 1.4 million ids.
const FILTER_LINES: usize = 32_768;

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
    /// Which ids may be in it.
    #[serde(skip)]
    known: Option<Known>,
}

/// The market's clock and its horizon, when an id is remembered.
pub(crate) struct SeenAt {
    pub clock_ms: i64,
    pub horizon_ms: i64,
}

/// Ids of one market.
#[derive(Default)]
pub(crate) struct SeenTable {
    buckets: BTreeMap<u32, Bucket>,
    /// Rows that no flushed checkpoint holds: id to (bucket, content, epoch).
    unflushed: FxHashMap<u128, (u32, u64, u64)>,
    dropped: Vec<u32>,
}

impl SeenTable {
    /// The table, and the ids that are to be read.
    pub(crate) fn load(backend: &dyn Backend) -> Result<(Self, Vec<Unread>), StateError> {
        let (mut table, mut unread) = (SeenTable::default(), Vec::new());
        backend.scan(Table::SeenBucket, &[], &[], &mut |key, value| {
            let number = key_u32(key, 0).unwrap_or_default();
            let mut bucket: Bucket = rows::decode(Table::SeenBucket, key, value)?;
            bucket.stored = true;
            let (from, to) = (number.to_be_bytes(), (number + 1).to_be_bytes());
            let (known, ids) = Known::stored(Table::Seen, &from, &to, FILTER_LINES);
            bucket.known = Some(known);
            unread.push(ids);
            table.buckets.insert(number, bucket);
            Ok(())
        })?;
        Ok((table, unread))
    }

    /// The content hash under which an id was seen.
    pub(crate) fn get(&self, backend: &dyn Backend, id: u128) -> Result<Option<u64>, StateError> {
        if let Some(&(_, content, _)) = self.unflushed.get(&id) {
            return Ok(Some(content));
        }
        let may_hold = |bucket: &Bucket| {
            bucket.stored && bucket.known.as_ref().is_none_or(|known| known.may_contain(id))
        };
        for (&number, _) in self.buckets.iter().rev().filter(|(_, bucket)| may_hold(bucket)) {
            let stored = backend.get(Table::Seen, Key::seen(number, id).as_bytes())?;
            if let Some(content) = stored {
                return Ok(content.get(..8).map(|b| u64::from_be_bytes(b.try_into().expect("8"))));
            }
        }
        Ok(None)
    }

    /// Reads what [`SeenTable::get`] will read of an id that is new.
    pub(crate) fn warm(&self, id: u128) -> bool {
        let filters = self.buckets.values().rev().filter_map(|bucket| bucket.known.as_ref());
        filters.fold(self.unflushed.contains_key(&id), |any, known| any ^ known.may_contain(id))
    }

    /// Remembers an id. Bucket and digest take it at once, not at the epoch's end: an id may be past
    /// the horizon before that, and where epochs are cut must not show in the digest.
    pub(crate) fn insert(
        &mut self,
        id: u128,
        content: u64,
        at: &SeenAt,
        recent: &mut Recent,
        digest: &mut Digest,
    ) {
        let number = bucket_of(at.clock_ms, at.horizon_ms);
        let key = Key::seen(number, id);
        let hash = recent.current.put(Table::Seen, &key, &content.to_be_bytes());
        digest.replace(0, hash);
        let new = || Bucket { known: Some(Known::none(FILTER_LINES)), ..Bucket::default() };
        let bucket = self.buckets.entry(number).or_insert_with(new);
        if let Some(known) = &mut bucket.known {
            known.insert(id);
        }
        bucket.count += 1;
        bucket.digest = bucket.digest.wrapping_add(hash);
        bucket.dirty = true;
        self.unflushed.insert(id, (number, content, recent.epoch));
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
            self.dropped.push(number);
            self.buckets.pop_first();
        }
        gone
    }

    pub(crate) fn end_epoch(&mut self, images: &mut Images) {
        for (&number, bucket) in self.buckets.iter_mut().filter(|(_, bucket)| bucket.dirty) {
            bucket.dirty = false;
            images.encode(Table::SeenBucket, &Key::number(number), None, bucket);
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
