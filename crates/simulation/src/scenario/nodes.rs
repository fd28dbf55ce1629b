//! Commands about when a node works, and about what is to be looked at.

use omnifold_events::{Event, v1};

use super::changes;
use super::parse::{CHANNEL, choice};
use super::words::{Fault, Words, number};

/// The event of one of these commands.
pub(super) fn event(verb: &str, words: &mut Words<'_>) -> Result<Event, Fault> {
    Ok(match verb {
        "hours" => hours(words)?.into(),
        "pause" => pause(words)?.into(),
        "resume_node" => {
            let node_id = words.next("a node")?.to_owned();
            v1::NodeResumed { node_id, ..Default::default() }.into()
        }
        "offboard" => {
            let node_id = words.next("a node")?.to_owned();
            let reason = words.option("reason").unwrap_or_default().to_owned();
            v1::NodeOffboarded { node_id, reason, ..Default::default() }.into()
        }
        "feedback" => feedback(words)?.into(),
        "close_ticket" => close(words)?.into(),
        other => return changes::event(other, words),
    })
}

/// `hours N Mo-Fr 9:00-12:00,13:00-17:00 Sa 10:00-14:00 closed=2025-06-09`.
fn hours(words: &mut Words<'_>) -> Result<v1::NodeCalendarSet, Fault> {
    let node_id = words.next("a node")?.to_owned();
    let mut week = Vec::new();
    while let Some(days) = words.take_if(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
    {
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (first, last) = (weekday(first)?, weekday(last)?);
        let spans = spans(words.next("hours")?)?;
        for day in first..=last {
            week.extend(spans.iter().map(|&(opens_minute, closes_minute)| v1::OpeningHours {
                weekday: day,
                opens_minute,
                closes_minute,
            }));
        }
    }
    let mut special_days = Vec::new();
    if let Some(dates) = words.option("closed") {
        let closed = |date: &str| v1::SpecialDay { date: date.to_owned(), hours: vec![] };
        special_days.extend(dates.split(',').map(closed));
    }
    if let Some(day) = words.option("open") {
        let (date, hours) = day.split_once('@').ok_or("`open=DATE@9:00-12:00`")?;
        let span = |&(opens_minute, closes_minute): &(u32, u32)| v1::DayHours {
            opens_minute,
            closes_minute,
        };
        let hours = spans(hours)?.iter().map(span).collect();
        special_days.push(v1::SpecialDay { date: date.to_owned(), hours });
    }
    Ok(v1::NodeCalendarSet {
        node_id,
        zone: words.option("zone").unwrap_or("UTC").to_owned(),
        week,
        special_days,
        cut_off_minute: words.option("cut_off").map(minute).transpose()?,
        processing_ms: words.span_option("processing")?,
        ..Default::default()
    })
}

fn weekday(text: &str) -> Result<i32, Fault> {
    let days = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
    let place = days.iter().position(|day| *day == text);
    place.map(|place| place as i32 + 1).ok_or_else(|| format!("`{text}` is no day: Mo to Su"))
}

/// `9:00-12:00,13:00-17:00` in minutes of the day.
fn spans(text: &str) -> Result<Vec<(u32, u32)>, Fault> {
    let span = |span: &str| {
        let (opens, closes) = span.split_once('-').ok_or_else(|| format!("`{span}` has no `-`"))?;
        Ok((minute(opens)?, minute(closes)?))
    };
    text.split(',').map(span).collect()
}

fn minute(text: &str) -> Result<u32, Fault> {
    let (hour, minute) = text.split_once(':').ok_or_else(|| format!("`{text}` is no time"))?;
    Ok(number(hour)? * 60 + number(minute)?)
}

/// `pause N [reason=strike] [until=TIME] [keep]`.
fn pause(words: &mut Words<'_>) -> Result<v1::NodePaused, Fault> {
    let node_id = words.next("a node")?.to_owned();
    let keeps = words.take("keep");
    let work = if keeps { v1::PausedWork::Keep } else { v1::PausedWork::MoveNotAccepted };
    Ok(v1::NodePaused {
        node_id,
        reason: words.option("reason").unwrap_or_default().to_owned(),
        until_ms: words.time_option("until")?,
        open_work: work.into(),
        ..Default::default()
    })
}

fn order_name(words: &mut Words<'_>) -> Result<(String, String), Fault> {
    let order_id = words.next("an order")?.to_owned();
    Ok((words.option("channel").unwrap_or(CHANNEL).to_owned(), order_id))
}

/// `feedback O R1 4`.
fn feedback(words: &mut Words<'_>) -> Result<v1::OrderFeedback, Fault> {
    let (channel, order_id) = order_name(words)?;
    let feedback_id = words.next("a feedback")?.to_owned();
    let score = number(words.next("a score")?)?;
    Ok(v1::OrderFeedback { channel, order_id, feedback_id, score, ..Default::default() })
}

/// `close_ticket O 1 [resolution=paid]`.
fn close(words: &mut Words<'_>) -> Result<v1::TicketClosed, Fault> {
    let (channel, order_id) = order_name(words)?;
    let ticket = number(words.next("a ticket's number")?)?;
    let resolution = words.option("resolution").unwrap_or_default().to_owned();
    Ok(v1::TicketClosed { channel, order_id, ticket, resolution, ..Default::default() })
}

/// `notices=shipped,delivered`, `notices=all`.
pub(super) fn notices(words: &mut Words<'_>) -> Result<Vec<i32>, Fault> {
    match words.option("notices") {
        None => Ok(Vec::new()),
        Some("all") => Ok((1..=v1::NoticeKind::PromiseMoved as i32).collect()),
        Some(names) => names
            .split(',')
            .map(|name| choice("NOTICE_KIND", name, v1::NoticeKind::from_str_name).map(Into::into))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Event, Fault> {
        let mut words = Words::of(line);
        let verb = words.next("a command").expect("a command");
        let event = event(verb, &mut words)?;
        words.end()?;
        Ok(event)
    }

    #[test]
    fn hours_name_days_and_dates() {
        let line = "hours N Mo-Tu 9:00-12:00,13:30-24:00 closed=2025-06-09,2025-12-25 \
                    open=2025-06-15@10:00-11:00 cut_off=15:00 processing=2h zone=Europe/Berlin";
        let Event::NodeCalendarSet(set) = read(line).expect("a command") else { panic!() };
        let week: Vec<(i32, u32, u32)> =
            set.week.iter().map(|row| (row.weekday, row.opens_minute, row.closes_minute)).collect();
        assert_eq!(week, [(1, 540, 720), (1, 810, 1_440), (2, 540, 720), (2, 810, 1_440)]);
        let days: Vec<(&str, usize)> =
            set.special_days.iter().map(|day| (day.date.as_str(), day.hours.len())).collect();
        assert_eq!(days, [("2025-06-09", 0), ("2025-12-25", 0), ("2025-06-15", 1)]);
        assert_eq!((set.cut_off_minute, set.processing_ms), (Some(900), 7_200_000));
        assert!(read("hours N Xx 9:00-12:00").is_err() && read("hours N Mo 9-12").is_err());
    }

    #[test]
    fn a_pause_has_an_end_or_none_and_may_keep_the_work() {
        let Event::NodePaused(paused) = read("pause N keep reason=flood").expect("a command")
        else {
            panic!()
        };
        assert_eq!((paused.open_work(), paused.until_ms), (v1::PausedWork::Keep, 0));
        assert_eq!((&paused.node_id[..], &paused.reason[..]), ("N", "flood"));
        let Event::NodePaused(paused) = read("pause N until=1970-01-01T00:00:01Z").expect("one")
        else {
            panic!()
        };
        assert_eq!((paused.open_work(), paused.until_ms), (v1::PausedWork::MoveNotAccepted, 1_000));
    }

    #[test]
    fn notices_are_named_or_all_are_meant() {
        let named = |line: &str| notices(&mut Words::of(line));
        assert!(named("").expect("none").is_empty());
        assert_eq!(named("notices=shipped,delivered").expect("two"), [2, 4]);
        assert_eq!(named("notices=all").expect("all").len(), 14);
        assert!(named("notices=nothing").is_err());
    }
}
