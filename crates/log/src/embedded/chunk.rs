//! Chunks: the unit in which records are stored.
//!
//! A chunk is one RocksDB value. It holds records of one topic with consecutive offsets, stored
//! under `(topic number, base offset)`. All numbers are big endian.
//!
//! ```text
//! head:    version u8, topic u32, base u64, count u32, CRC32 u32 of what stands before it
//! record:  CRC32 u32 of what follows, length u32 of what follows it,
//!          index u32, time i64, header bytes u32, key bytes u32, flags u8 (1: has a value),
//!          headers, key, value
//! ```
//!
//! A record's own sequence is `base + index`. Every read checks the head against the key it was
//! found under, each index against its place, and each checksum. So a record that was changed,
//! lost or put in another place is always told.
//!
//! A chunk is filled before its base is known: the writer's thread encodes and checksums, and the
//! commit thread only stamps the head.

use crate::record::{Parts, RecordBuf};

const VERSION: u8 = 1;
const HEAD: usize = 21;
const HEAD_CHECKED: usize = HEAD - 4;
/// Checksum and length, before the part that the length counts.
const RECORD_PREFIX: usize = 8;
/// Index, time, lengths and flags.
const RECORD_FIXED: usize = 21;
const HAS_VALUE: u8 = 1;

/// Bytes a record takes beside its headers, key and value.
pub const RECORD_OVERHEAD: usize = RECORD_PREFIX + RECORD_FIXED;

/// What is wrong with a chunk, and with which of its offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub offset: u64,
    pub detail: &'static str,
}

/// A chunk being filled.
pub struct ChunkBuilder {
    bytes: Vec<u8>,
    count: u32,
}

/// A filled chunk that still lacks its base.
#[derive(Debug)]
pub struct Chunk {
    bytes: Vec<u8>,
    count: u32,
}

impl ChunkBuilder {
    /// An empty chunk of a topic, with room for this many bytes.
    pub fn new(topic: u32, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + capacity);
        bytes.push(VERSION);
        bytes.extend_from_slice(&topic.to_be_bytes());
        bytes.resize(HEAD, 0);
        Self { bytes, count: 0 }
    }

    /// Bytes so far.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a record.
    pub fn push(&mut self, parts: &Parts<'_>) {
        let start = self.bytes.len();
        let length =
            u32::try_from(RECORD_FIXED + parts.bytes.len()).expect("checked by the append");
        let mut fixed = [0; RECORD_OVERHEAD];
        fixed[4..8].copy_from_slice(&length.to_be_bytes());
        fixed[8..12].copy_from_slice(&self.count.to_be_bytes());
        fixed[12..20].copy_from_slice(&parts.time_ms.to_be_bytes());
        fixed[20..24].copy_from_slice(&parts.headers_len.to_be_bytes());
        fixed[24..28].copy_from_slice(&parts.key_len.to_be_bytes());
        fixed[28] = u8::from(parts.has_value) * HAS_VALUE;
        self.bytes.extend_from_slice(&fixed);
        self.bytes.extend_from_slice(parts.bytes);
        let sum = crc32fast::hash(&self.bytes[start + 4..]);
        self.bytes[start..start + 4].copy_from_slice(&sum.to_be_bytes());
        self.count += 1;
    }

    /// The filled chunk.
    pub fn finish(self) -> Chunk {
        Chunk { bytes: self.bytes, count: self.count }
    }
}

impl Chunk {
    /// Number of records.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes it takes.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the base into the head and gives the bytes to store.
    pub fn stamped(&mut self, base: u64) -> &[u8] {
        self.bytes[5..13].copy_from_slice(&base.to_be_bytes());
        self.bytes[13..17].copy_from_slice(&self.count.to_be_bytes());
        let sum = crc32fast::hash(&self.bytes[..HEAD_CHECKED]);
        self.bytes[HEAD_CHECKED..HEAD].copy_from_slice(&sum.to_be_bytes());
        &self.bytes
    }
}

/// The head of a stored chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Offset of the first record.
    pub base: u64,
    /// Number of records.
    pub count: u32,
}

impl Head {
    /// Reads the head and checks it against the key that the chunk was found under.
    pub fn read(bytes: &[u8], topic: u32, base: u64) -> Result<Self, Fault> {
        let fault = |detail| Fault { offset: base, detail };
        let head = bytes.get(..HEAD).ok_or(fault("the chunk is cut in its head"))?;
        if crc32fast::hash(&head[..HEAD_CHECKED]) != u32_at(head, HEAD_CHECKED) {
            return Err(fault("the checksum of the chunk's head does not fit"));
        }
        if head[0] != VERSION {
            return Err(fault("the chunk was written by a newer version"));
        }
        if (u32_at(head, 1), u64_at(head, 5)) != (topic, base) {
            return Err(fault("the chunk belongs to another place"));
        }
        Ok(Self { base, count: u32_at(head, 13) })
    }

    /// Whether the record of this offset is in the chunk.
    pub fn holds(&self, offset: u64) -> bool {
        (self.base..self.end()).contains(&offset)
    }

    /// Offset after the last record.
    pub fn end(&self) -> u64 {
        self.base + u64::from(self.count)
    }
}

/// A place between two records of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Byte where the next record begins, counted from the chunk's start.
    pub byte: usize,
    /// Index of the next record.
    pub index: u32,
}

impl Place {
    /// Before the first record.
    pub const FIRST: Self = Self { byte: HEAD, index: 0 };
}

/// How many records, and up to how many bytes, a read may still take.
pub struct Want {
    /// The place in the reader's list that the records are marked with.
    pub topic: usize,
    /// Records before this offset are passed over.
    pub from: u64,
    /// Stop before the buffer holds more bytes than this ...
    pub max_bytes: usize,
    /// ... but not before it holds more records than this.
    pub held: usize,
}

/// Copies records of a chunk into a buffer, beginning at `place`, until the chunk or the wanted
/// bytes are over; moves `place` behind what it copied. On a fault, what stood before it was
/// copied.
pub fn copy_records(
    bytes: &[u8],
    head: Head,
    place: &mut Place,
    want: &Want,
    into: &mut RecordBuf,
) -> Result<(), Fault> {
    while place.index < head.count {
        let offset = head.base + u64::from(place.index);
        let (parts, after) =
            read_record(bytes, *place).map_err(|detail| Fault { offset, detail })?;
        if offset >= want.from {
            let enough = into.byte_len() + parts.bytes.len() > want.max_bytes;
            if enough && into.len() > want.held {
                return Ok(());
            }
            into.push_parts(want.topic, offset, &parts);
        }
        *place = after;
    }
    if place.byte != bytes.len() {
        let offset = head.end().saturating_sub(1);
        return Err(Fault { offset, detail: "bytes follow the chunk's last record" });
    }
    Ok(())
}

fn read_record(bytes: &[u8], place: Place) -> Result<(Parts<'_>, Place), &'static str> {
    const CUT: &str = "the record is cut";
    let record = bytes.get(place.byte..).ok_or(CUT)?;
    let fixed = record.get(..RECORD_OVERHEAD).ok_or(CUT)?;
    let length = u32_at(fixed, 4) as usize;
    let checked = record.get(4..RECORD_PREFIX + length).ok_or(CUT)?;
    if length < RECORD_FIXED || crc32fast::hash(checked) != u32_at(fixed, 0) {
        return Err("its checksum does not fit");
    }
    if u32_at(fixed, 8) != place.index {
        return Err("its sequence does not fit");
    }
    let body = &record[RECORD_OVERHEAD..RECORD_PREFIX + length];
    let parts = Parts {
        bytes: body,
        headers_len: u32_at(fixed, 20),
        key_len: u32_at(fixed, 24),
        has_value: fixed[28] & HAS_VALUE != 0,
        time_ms: u64_at(fixed, 12).cast_signed(),
    };
    if !parts_fit(&parts) {
        return Err("its lengths do not fit");
    }
    Ok((parts, Place { byte: place.byte + RECORD_PREFIX + length, index: place.index + 1 }))
}

/// The pair of the check in [`RecordBuf`]: lengths were taken from slices that were there.
fn parts_fit(parts: &Parts<'_>) -> bool {
    let headers = parts.headers_len as usize;
    let key_end = headers + parts.key_len as usize;
    key_end <= parts.bytes.len() && (parts.has_value || key_end == parts.bytes.len())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Headers;

    fn three_records() -> RecordBuf {
        let mut records = RecordBuf::default();
        records.push(0, 0, 5, Headers::default(), b"a", Some(b"first"));
        records.push(0, 0, 6, Headers::default(), b"", None);
        records.push(0, 0, 7, Headers::default(), b"c", Some(b""));
        records
    }

    fn stored(base: u64) -> Vec<u8> {
        let records = three_records();
        let mut builder = ChunkBuilder::new(9, records.byte_len());
        for index in 0..records.len() {
            builder.push(&records.parts(index));
        }
        builder.finish().stamped(base).to_vec()
    }

    fn read(bytes: &[u8], from: u64, max_bytes: usize) -> Result<RecordBuf, Fault> {
        let head = Head::read(bytes, 9, 40)?;
        let mut into = RecordBuf::default();
        let want = Want { topic: 2, from, max_bytes, held: 0 };
        copy_records(bytes, head, &mut { Place::FIRST }, &want, &mut into)?;
        Ok(into)
    }

    #[test]
    fn a_chunk_gives_back_what_it_was_filled_with() {
        let read = read(&stored(40), 0, usize::MAX).expect("good");
        assert_eq!(read.len(), 3);
        assert_eq!((read.get(0).offset, read.get(0).value), (40, Some(&b"first"[..])));
        assert_eq!((read.get(1).offset, read.get(1).value), (41, None));
        assert_eq!((read.get(2).topic, read.get(2).value), (2, Some(&b""[..])));
    }

    #[test]
    fn reading_begins_at_the_wanted_offset_and_ends_at_the_wanted_size() {
        assert_eq!(read(&stored(40), 42, usize::MAX).expect("good").get(0).offset, 42);
        assert_eq!(read(&stored(40), 40, 1).expect("good").len(), 1);
    }

    #[test]
    fn every_changed_byte_is_told() {
        let good = stored(40);
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(read(&bad, 0, usize::MAX).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn every_cut_and_every_added_byte_is_told() {
        let good = stored(40);
        assert!((0..good.len()).all(|end| read(&good[..end], 0, usize::MAX).is_err()));
        let longer = [&good[..], &[0]].concat();
        assert!(read(&longer, 0, usize::MAX).is_err());
    }

    #[test]
    fn a_chunk_in_another_place_is_told() {
        let fault = Head::read(&stored(40), 9, 41).expect_err("another base");
        assert_eq!(fault.detail, "the chunk belongs to another place");
        Head::read(&stored(40), 8, 40).expect_err("another topic");
    }

    #[test]
    fn the_fault_names_the_damaged_record() {
        let mut bytes = stored(40);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(read(&bytes, 0, usize::MAX).expect_err("damaged").offset, 42);
    }
}
