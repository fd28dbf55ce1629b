//! The command `promise`: the calendars of a delivery promise in words.

use omnifold_events::parse_time;

use super::words::{Fault, Words, number};

/// What a delivery promise by calendars is asked for. Days of the week are bits, Monday the lowest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseQuestion {
    /// When the order reaches the node, milliseconds since the Unix epoch.
    pub ordered_at_ms: i64,
    /// IANA zone of the node.
    pub zone: String,
    /// Minute of its day up to and at which an order is in time; `None`: the whole day.
    pub cut_off_minute: Option<u16>,
    /// Days of the week on which the node works.
    pub works: u8,
    /// Dates, as days since 1970-01-01, on which it does not.
    pub closed: Vec<i32>,
    /// Working days of handling, least and most.
    pub handling: (u32, u32),
    /// Days of the week on which the carrier moves goods.
    pub moves: u8,
    /// Days of the week on which it delivers.
    pub delivers: u8,
    /// Dates on which it does neither.
    pub off: Vec<i32>,
    /// Days of moving, least and most.
    pub transit: (u32, u32),
}

const EVERY_DAY: u8 = 0b111_1111;

/// The words after `promise`.
pub fn question(words: &mut Words<'_>) -> Result<PromiseQuestion, Fault> {
    let ordered_at_ms = parse_time(words.next("a time")?).map_err(|fault| fault.to_string())?;
    let moves = words.option("moves").map_or(Ok(EVERY_DAY), weekdays)?;
    Ok(PromiseQuestion {
        ordered_at_ms,
        zone: words.option("zone").unwrap_or("UTC").to_owned(),
        cut_off_minute: words.option("cut_off").map(minute).transpose()?,
        works: words.option("works").map_or(Ok(EVERY_DAY), weekdays)?,
        closed: words.option("closed").map_or(Ok(Vec::new()), dates)?,
        handling: words.option("handling").map_or(Ok((0, 0)), range)?,
        moves,
        delivers: words.option("delivers").map_or(Ok(moves), weekdays)?,
        off: words.option("off").map_or(Ok(Vec::new()), dates)?,
        transit: range(words.option("transit").ok_or("`transit=` is missing")?)?,
    })
}

/// `15:00` as a minute of the day.
fn minute(text: &str) -> Result<u16, Fault> {
    let fault = || format!("`{text}` is no time of day (15:00)");
    let (hour, minute) = text.split_once(':').ok_or_else(fault)?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    if hour > 23 || minute > 59 {
        return Err(fault());
    }
    Ok((hour * 60 + minute) as u16)
}

/// `3` or `3-5`.
fn range(text: &str) -> Result<(u32, u32), Fault> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let (least, most) = (number(least)?, number(most)?);
    if least > most {
        return Err(format!("`{text}` ends before it begins"));
    }
    Ok((least, most))
}

/// `mon-fri` or `sat`, as bits.
fn weekdays(text: &str) -> Result<u8, Fault> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let place = |name| NAMES.iter().position(|known| *known == name);
    match (place(first), place(last)) {
        (Some(first), Some(last)) if first <= last => {
            Ok((first..=last).fold(0, |days, day| days | 1 << day))
        }
        _ => Err(format!("`{text}` are no days of the week (mon-fri)")),
    }
}

/// `2025-07-01,2025-12-25` as days since 1970-01-01.
fn dates(text: &str) -> Result<Vec<i32>, Fault> {
    const DAY_MS: i64 = 86_400_000;
    let day = |date: &str| {
        let start = parse_time(&format!("{date}T00:00:00Z"));
        start.map(|ms| (ms / DAY_MS) as i32).map_err(|_| format!("`{date}` is no date"))
    };
    text.split(',').map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Result<PromiseQuestion, Fault> {
        let mut words = Words::of(text);
        let asked = question(&mut words)?;
        words.end()?;
        Ok(asked)
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let asked = ask("1970-01-02T00:00:00Z transit=3").expect("a question");
        assert_eq!((asked.ordered_at_ms, asked.zone.as_str()), (86_400_000, "UTC"));
        assert_eq!((asked.transit, asked.handling), ((3, 3), (0, 0)));
        assert_eq!([asked.works, asked.moves, asked.delivers], [EVERY_DAY; 3]);
    }

    #[test]
    fn everything_can_be_said() {
        let asked = ask("1970-01-01T00:00:00Z zone=Asia/Tokyo cut_off=15:30 works=mon-fri \
                         closed=1970-01-02 handling=0-1 moves=mon-sat transit=3-5 off=1970-01-11")
        .expect("a question");
        assert_eq!((asked.cut_off_minute, asked.closed, asked.off), (Some(930), vec![1], vec![10]));
        assert_eq!((asked.works, asked.moves, asked.delivers), (0b1_1111, 0b11_1111, 0b11_1111));
        assert_eq!((asked.handling, asked.transit), ((0, 1), (3, 5)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z transit=5-3",
            "1970-01-01T00:00:00Z transit=3 works=fri-mon",
            "1970-01-01T00:00:00Z transit=3 cut_off=24:00",
            "1970-01-01T00:00:00Z transit=3 off=soon",
            "1970-01-01T00:00:00Z transit=3 when=now",
            "noon transit=3",
        ] {
            assert!(ask(bad).is_err(), "{bad}");
        }
    }
}
