//! Lines of a stream, in bounded memory.

use std::io::{self, BufRead};

/// Reads line by line. A line longer than the bound is given in part, and the rest on request.
pub(super) struct Lines<R> {
    reader: R,
    bound: usize,
    /// Number of the line last given, from 1.
    pub(super) number: u64,
    /// Bytes read so far.
    pub(super) bytes: u64,
}

/// What was read of a line; its end of line is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Whole,
    /// The bound was reached; [`Lines::rest`] gives what follows.
    Part,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, bound: usize) -> Self {
        Lines { reader, bound, number: 0, bytes: 0 }
    }

    /// The next line into `line`, which is cleared first. `None` at the end.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Read>> {
        line.clear();
        let ended = self.read_some(line)?;
        if line.is_empty() && !ended {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3); // a byte order mark is no part of the text
        }
        if !ended && line.len() >= self.bound {
            return Ok(Some(Read::Part));
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(Read::Whole))
    }

    /// The next part of a line that was read in part. Whether it was the last.
    pub(super) fn rest(&mut self, part: &mut Vec<u8>) -> io::Result<bool> {
        part.clear();
        let ended = self.read_some(part)?;
        Ok(ended || part.is_empty())
    }

    /// Appends up to the bound or the end of the line, which is taken and not appended.
    fn read_some(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        while line.len() < self.bound {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(false);
            }
            let room = available.len().min(self.bound - line.len());
            let end = available[..room].iter().position(|&byte| byte == b'\n');
            line.extend_from_slice(&available[..end.unwrap_or(room)]);
            let taken = end.map_or(room, |end| end + 1);
            self.reader.consume(taken);
            self.bytes += taken as u64;
            if end.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], bound: usize) -> Vec<(u64, Read, Vec<u8>)> {
        let mut lines = Lines::new(text, bound);
        let mut line = Vec::new();
        let mut all = Vec::new();
        while let Some(read) = lines.next(&mut line).expect("memory reads well") {
            all.push((lines.number, read, line.clone()));
            let mut last = read == Read::Whole;
            while !last {
                last = lines.rest(&mut line).expect("memory reads well");
                all.last_mut().expect("one").2.extend_from_slice(&line);
            }
        }
        assert_eq!(lines.bytes, text.len() as u64);
        all
    }

    #[test]
    fn lines_end_with_and_without_a_line_feed() {
        let whole = |number, line: &[u8]| (number, Read::Whole, line.to_vec());
        let expected = [whole(1, b"a"), whole(2, b""), whole(3, b"b")];
        assert_eq!(read(b"a\n\nb", 10), expected);
        assert_eq!(read(b"\xef\xbb\xbfa\r\n\r\nb\n", 10), expected);
        assert_eq!(read(b"", 10), []);
    }

    #[test]
    fn a_long_line_comes_in_parts_and_the_next_one_whole() {
        let expected = [(1, Read::Part, b"0123456789".to_vec()), (2, Read::Whole, b"abc".to_vec())];
        assert_eq!(read(b"0123456789\nabc\n", 4), expected);
    }

    #[test]
    fn a_long_last_line_without_a_line_feed_ends() {
        assert_eq!(read(b"01234567", 4), [(1, Read::Part, b"01234567".to_vec())]);
    }
}
