//! Delivery promises in words: the command `promise` with its calendars, the rules of a market that
//! promises, and what was promised.

use omnifold_events::{format_time, parse_time, v1};

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

/// The options of `market` that make it promise; `None` where it has none of them. Rates are in
/// millionths.
pub fn rules(words: &mut Words<'_>) -> Result<Option<v1::PromiseRules>, Fault> {
    let late_ppm = words.option("promise_late").map(number).transpose()?;
    let early_ppm = words.option("promise_early").map_or(Ok(0), number)?;
    let zone = words.option("promise_zone").unwrap_or_default().to_owned();
    let calendar = calendar(words)?;
    if late_ppm.is_none() && calendar.is_none() {
        return Ok(None);
    }
    let late_ppm = late_ppm.unwrap_or_default();
    Ok(Some(v1::PromiseRules { zone, late_ppm, early_ppm, calendar, ..Default::default() }))
}

fn calendar(words: &mut Words<'_>) -> Result<Option<v1::DeliveryCalendar>, Fault> {
    let transit = words.option("transit").map(range).transpose()?;
    let handling = words.option("handling").map_or(Ok((0, 0)), range)?;
    let moves = words.option("moves").map_or(Ok(0), weekdays)?;
    let delivers = words.option("delivers").map_or(Ok(0), weekdays)?;
    let off = words.option("off").map_or(Ok(Vec::new()), dates)?;
    if transit.is_none() && delivers == 0 && off.is_empty() {
        return Ok(None);
    }
    let days_only = transit.is_none();
    let transit = transit.unwrap_or_default();
    let named = |days: u8| (1..=7).filter(|day| days & 1 << (day - 1) != 0).collect();
    Ok(Some(v1::DeliveryCalendar {
        handling_least_days: handling.0,
        handling_most_days: handling.1,
        transit_least_days: transit.0,
        transit_most_days: transit.1,
        moves: named(moves),
        delivers: named(delivers),
        days_off: off.into_iter().map(date).collect(),
        days_only,
    }))
}

/// A day since 1970-01-01 as `2025-01-13`.
fn date(day: i32) -> String {
    let text = format_time(i64::from(day) * 86_400_000);
    text.split('T').next().unwrap_or_default().to_owned()
}

/// `; promised 2025-01-13 to 2025-01-16 by calendar`; nothing where nothing is promised.
pub fn promised_text(promise: &v1::Promise) -> String {
    match promise.source() {
        v1::PromiseSource::Unspecified => String::new(),
        source => format!(
            "; promised {} by {}",
            interval_text(promise),
            source.as_str_name().trim_start_matches("PROMISE_SOURCE_").to_lowercase()
        ),
    }
}

/// `; 2025-01-13 to 2025-01-16, now 2025-01-17 to 2025-01-24`.
pub fn moved_text(notice: &v1::Notice) -> String {
    let Some(before) = &notice.promised_before else { return String::new() };
    let now = notice.promised.as_ref().map_or("unknown".to_owned(), interval_text);
    format!("; {}, now {now}", interval_text(before))
}

fn interval_text(promise: &v1::Promise) -> String {
    format!("{} to {}", date(promise.earliest_day), date(promise.latest_day))
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
    fn a_market_says_by_what_rules_it_promises() {
        let rules = |text: &str| rules(&mut Words::of(text)).expect("rules");
        assert_eq!(rules("coverage=refuse"), None);
        let asked = rules("promise_late=50000 promise_zone=Asia/Tokyo").expect("it promises");
        assert_eq!((asked.late_ppm, asked.zone.as_str()), (50_000, "Asia/Tokyo"));
        assert_eq!(asked.calendar, None);
        let asked = rules("transit=3-5 moves=mon-tue off=1970-01-03").expect("it promises");
        let calendar = asked.calendar.expect("a calendar");
        assert_eq!((calendar.transit_least_days, calendar.transit_most_days), (3, 5));
        assert_eq!((calendar.moves, calendar.days_off[0].as_str()), (vec![1, 2], "1970-01-03"));
    }

    #[test]
    fn a_promise_reads_well() {
        let source = v1::PromiseSource::Learned.into();
        let promise = v1::Promise { earliest_day: 1, latest_day: 3, source, ..Default::default() };
        let text = promised_text(&promise);
        assert_eq!(text, "; promised 1970-01-02 to 1970-01-04 by learned");
        assert_eq!(promised_text(&v1::Promise::default()), "");
        let notice = v1::Notice { promised_before: Some(promise), ..Default::default() };
        assert_eq!(moved_text(&notice), "; 1970-01-02 to 1970-01-04, now unknown");
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
