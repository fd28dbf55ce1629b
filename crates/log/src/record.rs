//! Records side by side in one buffer: reading or writing ten thousand of them allocates nothing
//! once the buffer has grown.

/// A run of records in one buffer, to be appended or as fetched. Reused by [`RecordBuf::clear`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RecordBuf {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    topic: u16,
    has_value: bool,
    offset: u64,
    time_ms: i64,
    start: usize,
    headers_len: u32,
    key_len: u32,
    value_len: u32,
}

/// One record as a log stores it: headers, key and value in one slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub bytes: &'a [u8],
    pub headers_len: u32,
    pub key_len: u32,
    pub has_value: bool,
    pub time_ms: i64,
}

/// One record, borrowed from its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Place of its topic in the list the buffer was made for.
    pub topic: usize,
    /// Its offset; 0 until it is appended.
    pub offset: u64,
    /// The record's own timestamp, UTC milliseconds (Kafka's CreateTime).
    pub time_ms: i64,
    /// Headers.
    pub headers: Headers<'a>,
    /// Key; empty where there is none.
    pub key: &'a [u8],
    /// Value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
}

impl RecordBuf {
    /// Adds a record. `headers` come from a [`HeadersBuilder`] or another record.
    pub fn push(
        &mut self,
        topic: usize,
        offset: u64,
        time_ms: i64,
        headers: Headers<'_>,
        key: &[u8],
        value: Option<&[u8]>,
    ) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(headers.0);
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a record under 4 GiB");
        self.entries.push(Entry {
            topic: u16::try_from(topic).expect("few topics"),
            has_value: value.is_some(),
            offset,
            time_ms,
            start,
            headers_len: length(headers.0),
            key_len: length(key),
            value_len: length(value.unwrap_or_default()),
        });
    }

    /// Adds the records of another buffer.
    pub fn append(&mut self, other: &RecordBuf) {
        let moved = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        let entries = other.entries.iter();
        self.entries.extend(entries.map(|entry| Entry { start: entry.start + moved, ..*entry }));
    }

    /// The record at a place, as a log stores it.
    pub(crate) fn parts(&self, index: usize) -> Parts<'_> {
        let entry = &self.entries[index];
        let lengths = [entry.headers_len, entry.key_len, entry.value_len];
        let length: usize = lengths.iter().map(|length| *length as usize).sum();
        Parts {
            bytes: &self.bytes[entry.start..entry.start + length],
            headers_len: entry.headers_len,
            key_len: entry.key_len,
            has_value: entry.has_value,
            time_ms: entry.time_ms,
        }
    }

    /// Adds a stored record. Its lengths must have been checked against its bytes.
    pub(crate) fn push_parts(&mut self, topic: usize, offset: u64, parts: &Parts<'_>) {
        let before_value = parts.headers_len + parts.key_len;
        let length = u32::try_from(parts.bytes.len()).expect("a record under 4 GiB");
        self.entries.push(Entry {
            topic: u16::try_from(topic).expect("few topics"),
            has_value: parts.has_value,
            offset,
            time_ms: parts.time_ms,
            start: self.bytes.len(),
            headers_len: parts.headers_len,
            key_len: parts.key_len,
            value_len: length - before_value,
        });
        self.bytes.extend_from_slice(parts.bytes);
    }

    /// Place of the topic of the record at `index`.
    pub(crate) fn topic(&self, index: usize) -> usize {
        usize::from(self.entries[index].topic)
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of headers, keys and values.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Keeps the first `len` records.
    pub fn truncate(&mut self, len: usize) {
        if let Some(first_gone) = self.entries.get(len) {
            self.bytes.truncate(first_gone.start);
            self.entries.truncate(len);
        }
    }

    /// The record at a place in the buffer.
    ///
    /// # Panics
    /// Where there is none.
    pub fn get(&self, index: usize) -> Record<'_> {
        let entry = &self.entries[index];
        let headers_end = entry.start + entry.headers_len as usize;
        let key_end = headers_end + entry.key_len as usize;
        let value_end = key_end + entry.value_len as usize;
        Record {
            topic: usize::from(entry.topic),
            offset: entry.offset,
            time_ms: entry.time_ms,
            headers: Headers(&self.bytes[entry.start..headers_end]),
            key: &self.bytes[headers_end..key_end],
            value: entry.has_value.then(|| &self.bytes[key_end..value_end]),
        }
    }

    /// Every record, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Headers of one record: `name length (1 byte), name, value length (4 bytes, big endian), value`,
/// one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a>(&'a [u8]);

impl<'a> Headers<'a> {
    /// Takes the bytes of [`Headers::as_bytes`] back. `None` where they are not headers.
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, _, rest) = split_header(rest)?;
        }
        Some(Headers(bytes))
    }

    /// The headers as bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Name and value of each.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (name, value, after) = split_header(rest)?;
            rest = after;
            Some((name, value))
        })
    }

    /// The value of the last header of that name.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        self.iter().filter(|(n, _)| *n == name.as_bytes()).last().map(|(_, value)| value)
    }
}

fn split_header(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&name_len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_len))?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*value_len) as usize)?;
    Some((name, value, rest))
}

/// Builds the headers of one record after another in the same memory.
#[derive(Debug, Default, Clone)]
pub struct HeadersBuilder(Vec<u8>);

impl HeadersBuilder {
    /// Adds a header.
    ///
    /// # Panics
    /// Where the name is longer than 255 bytes.
    pub fn put(&mut self, name: &str, value: &[u8]) {
        self.0.push(u8::try_from(name.len()).expect("a header name under 256 bytes"));
        self.0.extend_from_slice(name.as_bytes());
        let length = u32::try_from(value.len()).expect("a header under 4 GiB");
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
    }

    /// The headers so far.
    pub fn as_headers(&self) -> Headers<'_> {
        Headers(&self.0)
    }

    /// Forgets them and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_pushed() {
        let mut headers = HeadersBuilder::default();
        headers.put("ce_id", b"1");
        headers.put("ce_id", b"2");
        headers.put("empty", b"");
        let mut buffer = RecordBuf::default();
        buffer.push(3, 7, -5, headers.as_headers(), b"key", Some(b"value"));
        buffer.push(0, 8, 0, Headers::default(), b"", None);
        let first = buffer.get(0);
        assert_eq!((first.topic, first.offset, first.time_ms), (3, 7, -5));
        assert_eq!((first.key, first.value), (&b"key"[..], Some(&b"value"[..])));
        assert_eq!(first.headers.get("ce_id"), Some(&b"2"[..]));
        assert_eq!(first.headers.get("empty"), Some(&b""[..]));
        assert_eq!(first.headers.get("none"), None);
        assert_eq!(buffer.get(1).value, None);
    }

    #[test]
    fn an_appended_buffer_is_as_if_pushed() {
        let headers = HeadersBuilder::default();
        let fill = |buffer: &mut RecordBuf, keys: &[&[u8]]| {
            for key in keys {
                buffer.push(key.len(), 0, 7, headers.as_headers(), key, Some(b"value"));
            }
        };
        let (mut joined, mut second, mut pushed) = <(RecordBuf, RecordBuf, RecordBuf)>::default();
        fill(&mut joined, &[b"a", b"bb"]);
        fill(&mut second, &[b"ccc"]);
        joined.append(&second);
        fill(&mut pushed, &[b"a", b"bb", b"ccc"]);
        assert_eq!(joined, pushed);
    }

    #[test]
    fn cut_headers_are_not_headers() {
        let mut headers = HeadersBuilder::default();
        headers.put("name", b"value");
        let bytes = headers.as_headers().as_bytes();
        assert!(Headers::from_bytes(bytes).is_some());
        assert!((1..bytes.len()).all(|end| Headers::from_bytes(&bytes[..end]).is_none()));
    }
}
