//! Payments: authorised, captured, failed, voided, refunded; in part, and several for one order.

use omnifold_events::v1;

use super::{check, orders};
use crate::notice::notify_money;
use crate::payment::net_captured;
use crate::standing::{Standing, settle};
use crate::{Handling, Order, OrderKey, Payment, Reason, Refusal, State, Work};

/// Most payments an order may have.
const MAX_PAYMENTS: usize = 64;
/// Most that one payment may come to, minor units: sums over an order's payments fit 64 bits.
const MAX_AMOUNT: i64 = i64::MAX / 1_024;

/// An order and one of its payments, as it stands before an event.
struct Account {
    key: OrderKey,
    /// Place among the order's payments; its length for a new one.
    place: usize,
    payment: Payment,
}

pub(super) fn authorise<S: State>(
    state: &mut S,
    event: &v1::PaymentAuthorised,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let mut account = find_or_new(state, &event.channel, &event.order_id, &event.payment_id)?;
    let amount = check::amount(state, "authorised amount", event.amount.as_ref())?;
    account.payment.authorised = add(account.payment.authorised, amount)?;
    put(state, account, work);
    Ok(())
}

/// Of a payment that nobody authorised it is a sale: both at once. L20: never more than is
/// authorised, nor than the order costs where that is known.
pub(super) fn capture<S: State>(
    state: &mut S,
    event: &v1::PaymentCaptured,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let mut account = find_or_new(state, &event.channel, &event.order_id, &event.payment_id)?;
    let amount = check::amount(state, "captured amount", event.amount.as_ref())?;
    let payment = &mut account.payment;
    if payment.authorised == 0 {
        payment.authorised = add(0, amount)?;
    }
    let left = payment.authorised - payment.captured;
    refuse_over(Reason::OverCapture, amount, left, "is authorised and not captured")?;
    payment.captured += amount;
    let order = state.order(account.key).expect("found before");
    if let Some(left) = left_to_pay(order) {
        refuse_over(Reason::OverCapture, amount, left, "of what the order costs is not paid")?;
    }
    put(state, account, work);
    Ok(())
}

/// What may still be captured; `None` where the engine does not know what the order costs.
fn left_to_pay(order: &Order) -> Option<i64> {
    let handling = order.handling.as_ref()?;
    let amount = handling.due.as_ref()?.amount(order)?;
    let left = i128::from(amount) - net_captured(&handling.payments);
    Some(i64::try_from(left.max(0)).unwrap_or(i64::MAX))
}

/// A first attempt that fails leaves nothing behind: the order waits as before.
pub(super) fn fail<S: State>(
    state: &mut S,
    event: &v1::PaymentFailed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if !event.reason.is_empty() {
        check::name("reason", &event.reason)?;
    }
    let mut account = find_or_new(state, &event.channel, &event.order_id, &event.payment_id)?;
    account.payment.authorised = account.payment.captured;
    put(state, account, work);
    Ok(())
}

pub(super) fn void<S: State>(
    state: &mut S,
    event: &v1::PaymentVoided,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let mut account = find_known(state, &event.channel, &event.order_id, &event.payment_id)?;
    let payment = &mut account.payment;
    let left = payment.authorised - payment.captured;
    let amount = match &event.amount {
        None => left.max(1),
        Some(_) => check::amount(state, "voided amount", event.amount.as_ref())?,
    };
    refuse_over(Reason::OverVoid, amount, left, "is authorised and not captured")?;
    payment.authorised -= amount;
    put(state, account, work);
    Ok(())
}

/// L20: never more goes back than came in.
pub(super) fn refund<S: State>(
    state: &mut S,
    event: &v1::PaymentRefunded,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let mut account = find_known(state, &event.channel, &event.order_id, &event.payment_id)?;
    let amount = check::amount(state, "refunded amount", event.amount.as_ref())?;
    let payment = &mut account.payment;
    let left = payment.captured - payment.refunded;
    refuse_over(Reason::OverRefund, amount, left, "came in and has not gone back")?;
    payment.refunded += amount;
    let (key, refunded) = (account.key, v1::NoticeKind::Refunded);
    put(state, account, work);
    notify_money(state, key, refunded, amount, (&event.payment_id, ""), work);
    Ok(())
}

fn add(sum: i64, amount: i64) -> Result<i64, Refusal> {
    let sum = sum.checked_add(amount).filter(|&sum| sum <= MAX_AMOUNT);
    let detail = || format!("a payment may come to {MAX_AMOUNT} minor units");
    sum.ok_or_else(|| Refusal::new(Reason::InvalidMoney, detail()))
}

fn refuse_over(reason: Reason, amount: i64, left: i64, what: &str) -> Result<(), Refusal> {
    if amount <= left {
        return Ok(());
    }
    Err(Refusal::new(reason, format!("{amount} minor units asked, {left} {what}")))
}

fn find_or_new<S: State>(
    state: &mut S,
    channel: &str,
    order_id: &str,
    payment_id: &str,
) -> Result<Account, Refusal> {
    check::name("payment_id", payment_id)?;
    let key = orders::find(state, channel, order_id)?;
    let payments = payments_of(state.order(key).expect("found before"));
    let place = payments.iter().position(|payment| payment.id == payment_id);
    let place = place.unwrap_or(payments.len());
    if place == MAX_PAYMENTS {
        let detail = format!("an order takes {MAX_PAYMENTS} payments");
        return Err(Refusal::new(Reason::TooManyPayments, detail));
    }
    let new = || Payment { id: payment_id.to_owned(), ..Payment::default() };
    let payment = payments.get(place).cloned().unwrap_or_else(new);
    Ok(Account { key, place, payment })
}

fn find_known<S: State>(
    state: &mut S,
    channel: &str,
    order_id: &str,
    payment_id: &str,
) -> Result<Account, Refusal> {
    let account = find_or_new(state, channel, order_id, payment_id)?;
    let order = state.order(account.key).expect("found before");
    if account.place < payments_of(order).len() {
        return Ok(account);
    }
    let detail = format!("order `{order_id}` has no payment `{payment_id}`");
    Err(Refusal::new(Reason::UnknownPayment, detail))
}

fn payments_of(order: &Order) -> &[Payment] {
    order.handling.as_deref().map_or(&[], |handling: &Handling| &handling.payments)
}

fn put<S: State>(state: &mut S, account: Account, work: &mut Vec<Work>) {
    let Account { key, place, payment } = account;
    let before = Standing::of(state.order(key).expect("found before"));
    state.change_order(key, &mut |order| {
        let payments = &mut order.handling_mut().payments;
        match payments.get_mut(place) {
            Some(row) => *row = payment.clone(),
            None => payments.push(payment.clone()),
        }
    });
    settle(state, key, &before, v1::Cause::Payment, work);
}
