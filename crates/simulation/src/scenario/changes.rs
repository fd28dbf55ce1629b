//! Commands about an order that stands: changed, resumed, held, paid.

use omnifold_events::{Event, parse_time, v1};

use super::parse::{CHANNEL, choice, lines, order_line, target};
use super::words::{Fault, Words, minor, number, place, quantity};

/// The event of one of these commands.
pub(super) fn event(verb: &str, words: &mut Words<'_>) -> Result<Event, Fault> {
    Ok(match verb {
        "resume" => {
            let (channel, order_id) = order_name(words)?;
            let lines = lines(words)?;
            v1::OrderResumed { channel, order_id, lines, ..Default::default() }.into()
        }
        "change" => change(words)?.into(),
        "hold" => hold(words)?.into(),
        "unhold" => {
            let (channel, order_id) = order_name(words)?;
            let hold_id = words.next("a hold")?.to_owned();
            v1::OrderHoldReleased { channel, order_id, hold_id, ..Default::default() }.into()
        }
        "pay" => return pay(words),
        "give_up" => {
            let target = target(words)?;
            v1::FulfilmentReleaseConfirmed { target, ..Default::default() }.into()
        }
        "keep" => {
            let (target, reason) = (target(words)?, String::new());
            v1::FulfilmentReleaseRefused { target, reason, ..Default::default() }.into()
        }
        other => return Err(format!("there is no command `{other}`")),
    })
}

fn order_name(words: &mut Words<'_>) -> Result<(String, String), Fault> {
    let order_id = words.next("an order")?.to_owned();
    Ok((words.option("channel").unwrap_or(CHANNEL).to_owned(), order_id))
}

/// An amount in euros.
pub(super) fn euros(minor: i64) -> v1::Money {
    v1::Money { minor, currency: "EUR".to_owned() }
}

fn euros_option(words: &mut Words<'_>, key: &str) -> Result<Option<v1::Money>, Fault> {
    Ok(words.option(key).map(minor).transpose()?.map(euros))
}

/// `shipping=4.95 tax=1 discount=5`.
pub(super) fn charges(words: &mut Words<'_>) -> Result<Option<v1::Charges>, Fault> {
    let charges = v1::Charges {
        shipping: euros_option(words, "shipping")?,
        tax: euros_option(words, "tax")?,
        discount: euros_option(words, "discount")?,
    };
    Ok((charges != v1::Charges::default()).then_some(charges))
}

/// `method=express date=2025-06-05 since=TIME until=TIME wrap=red gift`.
pub(super) fn delivery(words: &mut Words<'_>) -> Result<Option<v1::DeliveryTerms>, Fault> {
    let mut text = |key: &str| words.option(key).unwrap_or_default().to_owned();
    let (shipping_method, requested_date) = (text("method"), text("date"));
    let (gift_wrap, since, until) = (text("wrap"), text("since"), text("until"));
    let time = |text: &str| match text {
        "" => Ok(0),
        text => parse_time(text).map_err(|fault| fault.to_string()),
    };
    let window = v1::DeliveryWindow { from_ms: time(&since)?, until_ms: time(&until)? };
    let terms = v1::DeliveryTerms {
        shipping_method,
        requested_date,
        window: (window != v1::DeliveryWindow::default()).then_some(window),
        gift: words.take("gift"),
        gift_wrap,
        ..Default::default()
    };
    Ok((terms != v1::DeliveryTerms::default()).then_some(terms))
}

/// `change O [line 1 x3] ... [add S:2@4.50] [to 48.8,2.3] [revision=1]` and terms of delivery.
fn change(words: &mut Words<'_>) -> Result<v1::OrderChanged, Fault> {
    let (channel, order_id) = order_name(words)?;
    let mut change = v1::OrderChanged { channel, order_id, ..Default::default() };
    while words.take("line") {
        let line_id = words.next("a line's name")?.to_owned();
        let units = words.next("a quantity")?.trim_start_matches('x');
        let quantity_milli = quantity(units)?;
        change.quantities.push(v1::LineQuantity { line_id, quantity_milli });
    }
    while words.take("add") {
        let line_id = number(words.next("a line's number")?)?;
        change.added.push(order_line(line_id as usize, words.next("a line")?)?.0);
    }
    if words.take("to") {
        let location = Some(place(words.next("a place")?)?);
        let country = words.option("country").unwrap_or("FR").to_owned();
        let postcode_area = words.option("postcode").unwrap_or_default().to_owned();
        let to = v1::Destination { country, location, postcode_area, ..Default::default() };
        change.destination = Some(to);
    }
    change.expected_revision = words.option("revision").map_or(Ok(0), number)?;
    change.delivery = delivery(words)?.map(Box::new);
    Ok(change)
}

/// `hold O h1 fraud`, or `hold O/f1 h1 fraud` for one fulfilment.
fn hold(words: &mut Words<'_>) -> Result<v1::OrderHeld, Fault> {
    let (channel, name) = order_name(words)?;
    let (order_id, fulfilment) = match name.rsplit_once("/f") {
        Some((order_id, place)) => (order_id.to_owned(), number(place)?),
        None => (name, 0),
    };
    let hold_id = words.next("a hold")?.to_owned();
    let reason = words.next("a reason")?;
    let reason = choice("HOLD_REASON", reason, v1::HoldReason::from_str_name)?.into();
    let rest = v1::OrderHeld::default();
    Ok(v1::OrderHeld { channel, order_id, hold_id, reason, fulfilment, ..rest })
}

/// `pay O p1 authorised 20.50`, `captured`, `voided [AMOUNT]`, `refunded`, `failed`.
fn pay(words: &mut Words<'_>) -> Result<Event, Fault> {
    let (channel, order_id) = order_name(words)?;
    let payment_id = words.next("a payment")?.to_owned();
    let what = words.next("what happened")?;
    let currency = words.option("currency").unwrap_or("EUR").to_owned();
    let amount = words.take_if(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
    let money = |minor| v1::Money { minor, currency };
    let amount = amount.map(minor).transpose()?.map(money);
    macro_rules! event {
        ($type:ident $(, $field:ident)*) => {
            v1::$type { channel, order_id, payment_id, $($field,)* ..Default::default() }.into()
        };
    }
    Ok(match what {
        "authorised" => event!(PaymentAuthorised, amount),
        "captured" => event!(PaymentCaptured, amount),
        "voided" => event!(PaymentVoided, amount),
        "refunded" => event!(PaymentRefunded, amount),
        "failed" => event!(PaymentFailed),
        other => return Err(format!("a payment is never `{other}`")),
    })
}
