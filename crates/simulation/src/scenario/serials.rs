//! The words that name serial numbers.

use omnifold_events::v1;

use super::words::{Fault, Words};

/// `A,B,C`.
pub(super) fn names(text: &str) -> Vec<String> {
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// `1:A,1:B,2:C` or `S:A,S:B`: those of one line, or of one SKU.
pub(super) fn of(text: &str, name: &str) -> Vec<String> {
    let of = text.split(',').filter_map(|row| row.strip_prefix(&format!("{name}:")));
    of.map(str::to_owned).collect()
}

/// `serials=1:A,1:B,2:C`: line and number.
pub(super) fn of_lines(words: &mut Words<'_>) -> Result<Vec<v1::LineSerials>, Fault> {
    let mut lines: Vec<v1::LineSerials> = Vec::new();
    for row in names(words.option("serials").unwrap_or_default()) {
        let (line, serial) = row.split_once(':').ok_or("a serial number is `LINE:NUMBER`")?;
        let serial = serial.to_owned();
        match lines.iter_mut().find(|known| known.line_id == line) {
            Some(known) => known.serials.push(serial),
            None => {
                let (line_id, serials) = (line.to_owned(), vec![serial]);
                lines.push(v1::LineSerials { line_id, serials });
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_named_by_line() {
        let row = |line: &str, serials: &[&str]| v1::LineSerials {
            line_id: line.to_owned(),
            serials: serials.iter().map(|&serial| serial.to_owned()).collect(),
        };
        let found = of_lines(&mut Words::of("serials=1:A,2:C,1:B"));
        assert_eq!(found, Ok(vec![row("1", &["A", "B"]), row("2", &["C"])]));
        assert!(of_lines(&mut Words::of("serials=A")).is_err());
        assert_eq!(of("S:A,T:B,S:C", "S"), ["A", "C"]);
    }
}
