//! Names, and the numbers that stand for them inside the state.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

/// A node's number in its market, in the order of the first definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeIx(pub u32);

/// A SKU's number in its market, in the order of the first definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SkuIx(pub u32);

/// An order's key: XXH3-128 of channel, a zero byte and the channel's order id. Fixed in width;
/// the row keeps both names, so two orders under one key would be noticed, not mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey(pub u128);

impl OrderKey {
    /// The key of an order.
    pub fn of(channel: &str, order_id: &str) -> Self {
        let mut hash = Xxh3Default::new();
        hash.update(channel.as_bytes());
        hash.update(&[0]);
        hash.update(order_id.as_bytes());
        OrderKey(hash.digest128())
    }
}

/// A parcel's key: XXH3-128 of the carrier, a zero byte and the carrier's tracking number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ParcelKey(pub u128);

impl ParcelKey {
    /// The key of a parcel.
    pub fn of(carrier: &str, tracking_number: &str) -> Self {
        ParcelKey(OrderKey::of(carrier, tracking_number).0)
    }
}

/// A return's key: XXH3-128 of its order's key and its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReturnKey(pub u128);

impl ReturnKey {
    /// The key of a return of an order.
    pub fn of(order: OrderKey, return_id: &str) -> Self {
        let mut hash = Xxh3Default::new();
        hash.update(&order.0.to_be_bytes());
        hash.update(return_id.as_bytes());
        ReturnKey(hash.digest128())
    }
}

/// A fulfilment's name: `{channel}/{order_id}/f{number}`. The order id may hold `/`, the channel
/// may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FulfilmentId<'a> {
    /// The order's channel.
    pub channel: &'a str,
    /// The channel's order id.
    pub order_id: &'a str,
    /// Counts from 1 in each order.
    pub number: u32,
}

impl<'a> FulfilmentId<'a> {
    /// Reads the text form. `None` where it is not one.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (channel, rest) = text.split_once('/')?;
        let (order_id, number) = rest.rsplit_once("/f")?;
        let number = number.parse().ok().filter(|&number| number > 0)?;
        Some(FulfilmentId { channel, order_id, number })
    }
}

impl fmt::Display for FulfilmentId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/f{}", self.channel, self.order_id, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fulfilment_id_keeps_slashes_of_the_order_id() {
        let text = "web/2025/06/1001/f12";
        let id = FulfilmentId::parse(text).expect("a fulfilment id");
        assert_eq!((id.channel, id.order_id, id.number), ("web", "2025/06/1001", 12));
        assert_eq!(id.to_string(), text);
    }

    #[test]
    fn what_is_no_fulfilment_id_is_none() {
        for text in ["", "web", "web/1", "web/1/f", "web/1/f0", "web/1/fx", "/f1"] {
            assert_eq!(FulfilmentId::parse(text), None, "{text}");
        }
    }
}
