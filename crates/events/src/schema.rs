//! Finds what a payload carries and the schema does not declare.
//!
//! prost drops unknown fields silently, and personal data could slip in that way. So the wire form
//! is walked beside the schema, tag by tag, without allocating: a few dozen bytes of table a
//! message, built once from the compiled descriptors. What is declared passes in any legal form:
//! explicit defaults, fields out of order, fields sent twice, unpacked or packed numbers.

use std::collections::HashMap;
use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

use crate::{DESCRIPTORS, Event};

/// Every message of the schema as a table by field number.
pub(crate) struct Schema {
    messages: Vec<MessageDescriptor>,
    fields: Vec<Vec<Field>>,
    /// Place of each event type in `messages`, in the order of [`Event::TYPES`].
    roots: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Field {
    Undeclared,
    Plain,
    /// A message, by its place; a map's entry is one too.
    Message(usize),
}

/// Where an undeclared field was met: field numbers, innermost first.
type Found = Vec<u32>;

impl Schema {
    /// The schema of this build.
    pub(crate) fn get() -> &'static Schema {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(|| {
            let pool = DescriptorPool::decode(DESCRIPTORS).expect("our own schema is valid");
            Schema::of(&pool)
        })
    }

    fn of(pool: &DescriptorPool) -> Schema {
        let messages: Vec<_> = pool.all_messages().collect();
        let place: HashMap<&str, usize> =
            messages.iter().enumerate().map(|(at, message)| (message.full_name(), at)).collect();
        let fields = messages.iter().map(|message| table(message, &place)).collect();
        let roots = Event::TYPES.iter().map(|(name, _)| place[name]).collect();
        Schema { fields, roots, messages }
    }

    /// Path of the first undeclared field in the bytes of an event that has been decoded, like
    /// `lines.#9`; `root` is the type's place in [`Event::TYPES`].
    pub(crate) fn undeclared(&self, root: usize, bytes: &[u8]) -> Option<String> {
        let message = self.roots[root];
        let mut found = self.walk(message, bytes).err()?;
        found.reverse();
        Some(self.path(message, &found))
    }

    fn walk(&self, message: usize, mut bytes: &[u8]) -> Result<(), Found> {
        while !bytes.is_empty() {
            // The bytes have been decoded, so they can be read; if not, nothing more is there.
            let Some((number, content, rest)) = split_field(bytes) else { return Ok(()) };
            bytes = rest;
            let field = self.fields[message].get(number as usize).copied();
            match (field.unwrap_or(Field::Undeclared), content) {
                (Field::Undeclared, _) | (_, Content::Group) => return Err(vec![number]),
                (Field::Message(inner), Content::Bytes(inside)) => {
                    self.walk(inner, inside).map_err(|mut found| {
                        found.push(number);
                        found
                    })?;
                }
                (Field::Plain | Field::Message(_), _) => {}
            }
        }
        Ok(())
    }

    fn path(&self, message: usize, numbers: &[u32]) -> String {
        let mut descriptor = self.messages[message].clone();
        let mut path = String::new();
        for (at, &number) in numbers.iter().enumerate() {
            match descriptor.get_field(number) {
                Some(field) if at + 1 < numbers.len() => {
                    path.push_str(field.name());
                    path.push('.');
                    if let Kind::Message(inner) = field.kind() {
                        descriptor = inner;
                    }
                }
                _ => path.push_str(&format!("#{number}")),
            }
        }
        path
    }
}

fn table(message: &MessageDescriptor, place: &HashMap<&str, usize>) -> Vec<Field> {
    let longest = message.fields().map(|field| field.number()).max().unwrap_or(0);
    let mut fields = vec![Field::Undeclared; longest as usize + 1];
    for field in message.fields() {
        fields[field.number() as usize] = match field.kind() {
            Kind::Message(inner) => Field::Message(place[inner.full_name()]),
            _ => Field::Plain,
        };
    }
    fields
}

enum Content<'a> {
    Number,
    Bytes(&'a [u8]),
    Group,
}

/// The first field of a message in wire form: its number, its content, and what follows.
#[inline]
fn split_field(bytes: &[u8]) -> Option<(u32, Content<'_>, &[u8])> {
    let (tag, rest) = varint(bytes)?;
    let number = u32::try_from(tag >> 3).ok()?;
    let fixed = |size: usize| Some((number, Content::Number, rest.get(size..)?));
    match tag & 7 {
        0 => Some((number, Content::Number, varint(rest)?.1)),
        1 => fixed(8),
        2 => {
            let (length, rest) = varint(rest)?;
            let (inside, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((number, Content::Bytes(inside), rest))
        }
        5 => fixed(4),
        _ => Some((number, Content::Group, rest)),
    }
}

#[inline]
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    match bytes {
        [byte, rest @ ..] if *byte < 0x80 => Some((u64::from(*byte), rest)),
        _ => long_varint(bytes),
    }
}

fn long_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}
