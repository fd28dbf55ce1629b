//! Tables, keys and values as bytes.
//!
//! Keys are fixed in width and big endian, so that byte order is the order of the numbers. A stored
//! value is a format version and the canonical form (postcard). Table numbers and versions are
//! never used again for anything else.

use omnifold_domain::promise::LearnedKey;
use omnifold_domain::{
    NodeIx, OrderKey, Priced, SkuIx, SoftHoldKey, TimerKey, TimerKind, TransferKey, WaitingKey,
};
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StateError;

/// A kind of row. The number is part of the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// Position and other facts about the store itself; not part of the digest.
    Meta = 0,
    /// One row: the market's settings.
    Settings = 1,
    /// Nodes by number.
    Node = 2,
    /// Items by number.
    Item = 3,
    /// Stock by SKU and node.
    Stock = 4,
    /// Orders by key.
    Order = 5,
    /// Waiting orders by SKU, priority and age.
    Waiting = 6,
    /// Event ids by time bucket.
    Seen = 7,
    /// Count and digest of each bucket of event ids; derived, not part of the digest.
    SeenBucket = 8,
    /// Timers by due instant, kind and age.
    Timer = 9,
    /// Active holds by key.
    SoftHold = 10,
    /// What few stock rows have, with their newest movements, by SKU and node.
    Movement = 11,
    /// Parcels that were handed over, by carrier and tracking number.
    Parcel = 12,
    /// Returns by order and return id.
    Return = 13,
    /// Carriers by name.
    Carrier = 14,
    /// Orders of a node's newest local day, by number of the node.
    NodeDay = 15,
    /// Lots by SKU and node.
    Lots = 16,
    // 17 to 19 are set aside for what follows orders and nodes.
    /// Transfers under way, by the hash of their id.
    Transfer = 20,
    /// Shadow prices of a SKU's units, or of capacity.
    Price = 31,
    /// Purchase orders, by the hash of their id.
    PurchaseOrder = 21,
    /// Suppliers' records, by supplier and buying company.
    Supplier = 22,
    /// What is expected, by SKU and node.
    Inbound = 23,
    /// What suppliers' and partners' nodes say of items, by SKU and node.
    SupplierItem = 24,
    /// What promises are learned from, by kind and number.
    Learned = 32,
    /// What was promised, by order.
    Promise = 33,
    /// What nodes made of their work, by number of the node.
    Scorecard = 47,
    /// Serial numbers, by the hash of item and number.
    Serial = 40,
    /// Serial numbers that are at a node, by SKU and node.
    SerialShelf = 41,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 28] = [
        Table::Meta,
        Table::Settings,
        Table::Node,
        Table::Item,
        Table::Stock,
        Table::Order,
        Table::Waiting,
        Table::Seen,
        Table::SeenBucket,
        Table::Timer,
        Table::SoftHold,
        Table::Movement,
        Table::Parcel,
        Table::Return,
        Table::Carrier,
        Table::NodeDay,
        Table::Transfer,
        Table::Price,
        Table::PurchaseOrder,
        Table::Supplier,
        Table::Inbound,
        Table::SupplierItem,
        Table::Lots,
        Table::Learned,
        Table::Promise,
        Table::Scorecard,
        Table::Serial,
        Table::SerialShelf,
    ];

    /// Name of its column family.
    pub fn name(self) -> &'static str {
        match self {
            Table::Meta => "meta",
            Table::Settings => "settings",
            Table::Node => "node",
            Table::Item => "item",
            Table::Stock => "stock",
            Table::Order => "order",
            Table::Waiting => "waiting",
            Table::Seen => "seen",
            Table::SeenBucket => "seen_bucket",
            Table::Movement => "movement",
            Table::Transfer => "transfer",
            Table::PurchaseOrder => "purchase_order",
            Table::Supplier => "supplier",
            Table::Inbound => "inbound",
            Table::SupplierItem => "supplier_item",
            Table::Lots => "lots",
            Table::Parcel => "parcel",
            Table::Return => "return",
            Table::Carrier => "carrier",
            Table::Timer => "timer",
            Table::SoftHold => "soft_hold",
            Table::NodeDay => "node_day",
            Table::Price => "price",
            Table::Learned => "learned",
            Table::Promise => "promise",
            Table::Scorecard => "scorecard",
            Table::Serial => "serial",
            Table::SerialShelf => "serial_shelf",
        }
    }

    /// Whether its rows are part of the digest.
    pub fn is_digested(self) -> bool {
        !matches!(self, Table::Meta | Table::SeenBucket)
    }
}

/// Longest key.
pub(crate) const MAX_KEY: usize = 20;

/// A key in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    bytes: [u8; MAX_KEY],
    len: u8,
}

impl Key {
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        let mut key = Key { bytes: [0; MAX_KEY], len: 0 };
        for part in parts {
            let at = usize::from(key.len);
            key.bytes[at..at + part.len()].copy_from_slice(part);
            key.len += part.len() as u8;
        }
        key
    }

    pub(crate) fn settings() -> Self {
        Key::new(&[&[0]])
    }

    pub(crate) fn number(number: u32) -> Self {
        Key::new(&[&number.to_be_bytes()])
    }

    pub(crate) fn node(node: NodeIx) -> Self {
        Key::number(node.0)
    }

    pub(crate) fn stock(sku: SkuIx, node: NodeIx) -> Self {
        Key::new(&[&sku.0.to_be_bytes(), &node.0.to_be_bytes()])
    }

    pub(crate) fn movement((sku, node): (SkuIx, NodeIx)) -> Self {
        Key::stock(sku, node)
    }

    pub(crate) fn transfer(key: TransferKey) -> Self {
        Key::new(&[&key.0.to_be_bytes()])
    }

    pub(crate) fn order(key: OrderKey) -> Self {
        Key::new(&[&key.0.to_be_bytes()])
    }

    /// A key that is a hash.
    pub(crate) fn hash(key: u128) -> Self {
        Key::new(&[&key.to_be_bytes()])
    }

    pub(crate) fn waiting(place: WaitingKey) -> Self {
        Key::new(&[
            &place.sku.0.to_be_bytes(),
            &place.rank.to_be_bytes(),
            &place.placed_step.to_be_bytes(),
        ])
    }

    /// Times are never negative, so their bytes are in their order.
    pub(crate) fn timer(timer: TimerKey) -> Self {
        Key::new(&[&timer.due_ms.to_be_bytes(), &[timer.kind as u8], &timer.step.to_be_bytes()])
    }

    pub(crate) fn priced(of: Priced) -> Self {
        match of {
            Priced::Stock(sku) => Key::new(&[&[0], &sku.0.to_be_bytes()]),
            Priced::Capacity => Key::new(&[&[1]]),
        }
    }

    pub(crate) fn learned(key: LearnedKey) -> Self {
        Key::new(&[&[key.kind], &key.number.to_be_bytes()])
    }

    pub(crate) fn soft_hold(key: SoftHoldKey) -> Self {
        Key::new(&[&key.0.to_be_bytes()])
    }

    pub(crate) fn seen(bucket: u32, id: u128) -> Self {
        Key::new(&[&bucket.to_be_bytes(), &id.to_be_bytes()])
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Big-endian numbers back out of a key.
pub(crate) fn key_u32(key: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(at..at + 4)?.try_into().ok()?))
}

/// As [`key_u32`], eight bytes.
pub(crate) fn key_u64(key: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(at..at + 8)?.try_into().ok()?))
}

/// A timer's place back out of its key.
pub(crate) fn key_timer(key: &[u8]) -> Option<TimerKey> {
    let due_ms = i64::try_from(key_u64(key, 0)?).ok()?;
    Some(TimerKey { due_ms, kind: TimerKind::of(*key.get(8)?)?, step: key_u64(key, 9)? })
}

/// What has a price back out of its key.
pub(crate) fn key_priced(key: &[u8]) -> Option<Priced> {
    match key.first()? {
        0 => Some(Priced::Stock(SkuIx(key_u32(key, 1)?))),
        1 => Some(Priced::Capacity),
        _ => None,
    }
}

/// The place of what was learned back out of its key.
pub(crate) fn key_learned(key: &[u8]) -> Option<LearnedKey> {
    Some(LearnedKey { kind: *key.first()?, number: key_u64(key, 1)? })
}

/// A hold's key back.
pub(crate) fn key_soft_hold(key: &[u8]) -> Option<SoftHoldKey> {
    Some(SoftHoldKey(u128::from_be_bytes(key.get(..16)?.try_into().ok()?)))
}

/// Version of every row format written today.
pub(crate) const FORMAT: u8 = 1;

/// Appends a row's stored form: the version, then the canonical form. Returns where the canonical
/// form starts.
pub(crate) fn encode<V: Serialize>(value: &V, into: &mut Vec<u8>) -> usize {
    into.push(FORMAT);
    let start = into.len();
    postcard::serialize_with_flavor(value, Appended(into)).expect("rows are plain data");
    start
}

/// Bytes at the end of a buffer. Most of a row is numbers of one byte, which are cheaper pushed than
/// copied.
struct Appended<'a>(&'a mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        match bytes {
            [byte] => self.0.push(*byte),
            bytes => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// A key that is none of its table's.
pub(crate) fn no_key(table: Table, key: &[u8]) -> StateError {
    damaged_row(table, key, "the key is none of this table's".to_owned())
}

fn damaged_row(table: Table, key: &[u8], detail: String) -> StateError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    StateError::DamagedRow { table: table.name(), key, detail }
}

/// Reads a stored row.
pub(crate) fn decode<V: DeserializeOwned>(
    table: Table,
    key: &[u8],
    stored: &[u8],
) -> Result<V, StateError> {
    let damaged = |detail: String| damaged_row(table, key, detail);
    match stored.split_first() {
        Some((&FORMAT, rest)) => {
            postcard::from_bytes(rest).map_err(|error| damaged(error.to_string()))
        }
        Some((version, _)) => Err(damaged(format!("format {version} is not known to this build"))),
        None => Err(damaged("the row is empty".to_owned())),
    }
}
