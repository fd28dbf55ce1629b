//! Chunks: the unit in which records are stored.
//!
//! A chunk is one RocksDB value. It holds records of one topic with consecutive offsets, stored
//! under `(topic number, base offset)`. All numbers are big endian.
//!
//! ```text
//! head:    version u8, topic u32, base u64, count u32, encoding u8 (0 plain, 1 LZ4 block),
//!          bytes of the records u32, CRC32 u32 of the head before it
//! records, encoded; each:
//!          CRC32 u32 of what follows, length u32 of what follows it,
//!          index u32, time i64, header bytes u32, key bytes u32, flags u8 (1: has a value),
//!          headers, key, value
//! ```
//!
//! A record's own sequence is `base + index`. Every read checks the head against the key it was
//! found under, each index against its place, and each checksum. So a record that was changed,
//! lost or put in another place is always told.
//!
//! A chunk is filled before its base is known: the writer's thread encodes, checksums and
//! compresses, and the commit thread only stamps the head. Compressing here rather than in RocksDB
//! also makes the write-ahead log small, and its syncs are what an append waits for.

use crate::record::{Parts, RecordBuf};

const VERSION: u8 = 1;
const HEAD: usize = 26;
const HEAD_CHECKED: usize = HEAD - 4;
/// Checksum and length, before the part that the length counts.
const RECORD_PREFIX: usize = 8;
/// Index, time, lengths and flags.
const RECORD_FIXED: usize = 21;
const HAS_VALUE: u8 = 1;
const PLAIN: u8 = 0;
const LZ4: u8 = 1;
/// Fewer bytes than this are stored as they are.
const WORTH_COMPRESSING: usize = 512;

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
    /// Room for the head, then records.
    bytes: Vec<u8>,
    topic: u32,
    count: u32,
}

/// A filled chunk that still lacks its base.
#[derive(Debug)]
pub struct Chunk {
    /// Room for the head, then encoded records.
    bytes: Vec<u8>,
    topic: u32,
    count: u32,
    encoding: u8,
    records_len: u32,
}

impl ChunkBuilder {
    /// An empty chunk of a topic, with room for this many bytes.
    pub fn new(topic: u32, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD + capacity);
        bytes.resize(HEAD, 0);
        Self { bytes, topic, count: 0 }
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

    /// The filled chunk, compressed where that is asked for and makes it smaller.
    pub fn finish(self, compress: bool) -> Chunk {
        let Self { bytes, topic, count } = self;
        let records_len = bytes.len() - HEAD;
        let worth = compress && records_len >= WORTH_COMPRESSING;
        let smaller = worth.then(|| compressed(&bytes)).flatten();
        let encoding = if smaller.is_some() { LZ4 } else { PLAIN };
        let records_len = u32::try_from(records_len).expect("checked by the append");
        Chunk { bytes: smaller.unwrap_or(bytes), topic, count, encoding, records_len }
    }
}

/// The chunk compressed, where that saves at least an eighth.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let records = &bytes[HEAD..];
    let mut smaller = vec![0; HEAD + lz4_flex::block::get_maximum_output_size(records.len())];
    let length = lz4_flex::block::compress_into(records, &mut smaller[HEAD..]).ok()?;
    smaller.truncate(HEAD + length);
    (length <= records.len() / 8 * 7).then_some(smaller)
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

    /// Writes the head with this base and gives the bytes to store.
    pub fn stamped(&mut self, base: u64) -> &[u8] {
        let head = &mut self.bytes[..HEAD];
        head[0] = VERSION;
        head[1..5].copy_from_slice(&self.topic.to_be_bytes());
        head[5..13].copy_from_slice(&base.to_be_bytes());
        head[13..17].copy_from_slice(&self.count.to_be_bytes());
        head[17] = self.encoding;
        head[18..22].copy_from_slice(&self.records_len.to_be_bytes());
        let sum = crc32fast::hash(&head[..HEAD_CHECKED]);
        head[HEAD_CHECKED..].copy_from_slice(&sum.to_be_bytes());
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
    encoding: u8,
    records_len: u32,
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
        let (count, records_len) = (u32_at(head, 13), u32_at(head, 18));
        Ok(Self { base, count, encoding: head[17], records_len })
    }

    /// The records of the chunk, decoded into `scratch` where they have to be.
    pub fn records<'a>(
        &self,
        bytes: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Fault> {
        let fault = |detail| Fault { offset: self.base, detail };
        let encoded = &bytes[HEAD..];
        let length = self.records_len as usize;
        let decoded = match self.encoding {
            PLAIN => encoded,
            LZ4 => {
                scratch.resize(length, 0);
                let decoded = lz4_flex::block::decompress_into(encoded, scratch);
                let decoded = decoded.map_err(|_| fault("the chunk cannot be decompressed"))?;
                &scratch[..decoded]
            }
            _ => return Err(fault("the chunk was written by a newer version")),
        };
        if decoded.len() != length {
            return Err(fault("the chunk has another length than its head says"));
        }
        Ok(decoded)
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
    /// Byte where the next record begins, counted from the first one.
    pub byte: usize,
    /// Index of the next record.
    pub index: u32,
}

impl Place {
    /// Before the first record.
    pub const FIRST: Self = Self { byte: 0, index: 0 };
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

/// Copies records of a chunk (see [`Head::records`]) into a buffer, beginning at `place`, until the
/// chunk or the wanted bytes are over; moves `place` behind what it copied. On a fault, what stood
/// before it was copied.
pub fn copy_records(
    records: &[u8],
    head: Head,
    place: &mut Place,
    want: &Want,
    into: &mut RecordBuf,
) -> Result<(), Fault> {
    while place.index < head.count {
        let offset = head.base + u64::from(place.index);
        let (parts, after) =
            read_record(records, *place).map_err(|detail| Fault { offset, detail })?;
        if offset >= want.from {
            let enough = into.byte_len() + parts.bytes.len() > want.max_bytes;
            if enough && into.len() > want.held {
                return Ok(());
            }
            into.push_parts(want.topic, offset, &parts);
        }
        *place = after;
    }
    if place.byte != records.len() {
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

    fn filled(records: &RecordBuf) -> ChunkBuilder {
        let mut builder = ChunkBuilder::new(9, records.byte_len());
        for index in 0..records.len() {
            builder.push(&records.parts(index));
        }
        builder
    }

    fn stored(base: u64) -> Vec<u8> {
        filled(&three_records()).finish(true).stamped(base).to_vec()
    }

    fn read(bytes: &[u8], from: u64, max_bytes: usize) -> Result<RecordBuf, Fault> {
        let head = Head::read(bytes, 9, 40)?;
        let mut scratch = Vec::new();
        let records = head.records(bytes, &mut scratch)?;
        let mut into = RecordBuf::default();
        let want = Want { topic: 2, from, max_bytes, held: 0 };
        copy_records(records, head, &mut { Place::FIRST }, &want, &mut into)?;
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
    fn what_repeats_is_compressed_and_comes_back() {
        let mut records = RecordBuf::default();
        for n in 0..100 {
            records.push(0, 40 + n, 5, Headers::default(), b"key", Some(b"the same value again"));
        }
        let mut plain = filled(&records).finish(false);
        let mut smaller = filled(&records).finish(true);
        assert!(smaller.byte_len() < plain.byte_len() / 2);
        let plain = read(plain.stamped(40), 0, usize::MAX);
        assert_eq!(read(smaller.stamped(40), 0, usize::MAX), plain);
        assert_eq!(plain.expect("good").len(), 100);
    }

    #[test]
    fn a_changed_byte_of_a_compressed_chunk_never_changes_a_record() {
        let mut records = RecordBuf::default();
        for n in 0..40_u64 {
            records.push(2, 40 + n, 5, Headers::default(), &n.to_be_bytes(), Some(&[7; 40]));
        }
        let good = filled(&records).finish(true).stamped(40).to_vec();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            // Another encoding of the same records is possible; other records are not.
            assert!(
                read(&bad, 0, usize::MAX).is_ok_and(|read| read == records)
                    || read(&bad, 0, usize::MAX).is_err(),
                "byte {at}"
            );
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
