//! What becomes of an order after it was placed, as a chain of steps with their times.

use omnifold_events::v1::RejectionReason;

use super::{MINUTE_MS, PART_COURSE};
use crate::random::Random;

/// Something that happens to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// The customer cancels all of it.
    CancelledWhole,
    /// The customer cancels its first line.
    CancelledLine,
    /// The first node says no.
    Rejected,
    /// The first node says yes.
    Accepted,
    /// The first node ships.
    Shipped,
    /// The courier delivers.
    Delivered,
}

/// What happens to an order first, and how long after it was placed. The rest of the chain comes
/// from [`after`].
pub fn first(seed: u64, order: u64, plentiful: bool, lines: usize) -> Option<(Happening, i64)> {
    let mut random = course(seed, order);
    let minutes =
        |random: &mut Random, low, high| random.between(low * MINUTE_MS, high * MINUTE_MS);
    match random.below(1_000) {
        0..15 => Some((Happening::CancelledWhole, minutes(&mut random, 3, 40))),
        15..25 if lines > 1 => Some((Happening::CancelledLine, minutes(&mut random, 3, 40))),
        // Only orders that surely got a node: nobody turns down work that was never given.
        25..45 if plentiful => Some((Happening::Rejected, minutes(&mut random, 5, 60))),
        45..645 if plentiful => Some((Happening::Accepted, minutes(&mut random, 5, 45))),
        _ => None,
    }
}

/// What happens next, and how long after this.
pub fn after(seed: u64, order: u64, happened: Happening) -> Option<(Happening, i64)> {
    let mut random = Random::new(course(seed, order).bits() ^ happened as u64);
    match happened {
        Happening::Accepted if random.permille(750) => {
            Some((Happening::Shipped, random.between(60 * MINUTE_MS, 240 * MINUTE_MS)))
        }
        Happening::Shipped if random.permille(150) => {
            Some((Happening::Delivered, random.between(90 * MINUTE_MS, 300 * MINUTE_MS)))
        }
        _ => None,
    }
}

/// Why the first node said no. "Not in stock" empties the shelf, which in a warehouse may hold half
/// a day's demand for a bestseller; so there are about a dozen of those a day, however many orders.
pub fn rejection_reason(seed: u64, order: u64, orders: u64) -> RejectionReason {
    let mut random = Random::new(course(seed, order).bits());
    let not_in_stock = (900_000_000 / orders.max(1)).min(150_000);
    match random.below(1_000_000) {
        drawn if drawn < not_in_stock => RejectionReason::NotInStock,
        0..550_000 => RejectionReason::NoVariance,
        550_000..850_000 => RejectionReason::Mismatch,
        _ => RejectionReason::Damaged,
    }
}

fn course(seed: u64, order: u64) -> Random {
    Random::of_part(seed ^ PART_COURSE, order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(of: Happening) -> u64 {
        let happenings = (0..100_000).filter_map(|order| first(1, order, true, 2));
        happenings.filter(|(happening, _)| *happening == of).count() as u64 / 1_000
    }

    #[test]
    fn the_shares_of_a_day_are_those_of_a_shop() {
        assert_eq!(share(Happening::CancelledWhole), 1);
        assert!((1..=2).contains(&share(Happening::Rejected)));
        assert!((58..=62).contains(&share(Happening::Accepted)));
    }

    #[test]
    fn an_order_that_may_wait_is_neither_accepted_nor_rejected_by_a_node() {
        for order in 0..10_000 {
            if let Some((happening, _)) = first(1, order, false, 3) {
                assert!(happening <= Happening::CancelledLine, "{happening:?}");
            }
        }
    }

    #[test]
    fn few_shelves_are_found_empty_however_many_orders_there_are() {
        let reason = |order, orders| rejection_reason(1, order, orders);
        let found_empty = |rejections: u64, orders: u64| {
            (0..rejections)
                .filter(|&order| reason(order, orders) == RejectionReason::NotInStock)
                .count()
        };
        assert!((5..=30).contains(&found_empty(100, 5_000)));
        assert!((5..=30).contains(&found_empty(20_000, 1_000_000)));
        assert!((0..100).any(|order| reason(order, 100) == RejectionReason::Damaged));
    }

    #[test]
    fn shipping_follows_accepting_and_delivery_follows_shipping() {
        let chain = |order| after(1, order, Happening::Accepted).map(|(next, _)| next);
        assert!((0..100).filter_map(chain).all(|next| next == Happening::Shipped));
        assert!((0..100).filter_map(chain).count() > 60);
        assert_eq!(after(1, 1, Happening::Delivered), None);
        assert_eq!(after(1, 1, Happening::Rejected), None);
    }
}
