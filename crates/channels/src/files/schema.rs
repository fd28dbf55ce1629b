//! Names of fields in a mapping, looked up in the compiled schema.

use omnifold_events::{DESCRIPTORS, Event};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind as Wire, MessageDescriptor};

/// What a field holds, as far as reading a cell needs to know. The schema's naming tells the unit:
/// `_milli` thousandths of a unit, `minor` minor units of money, `_e6` microdegrees, `_ms`
/// milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Texts,
    Integer,
    Bool,
    /// With the names of its values.
    Enum(Vec<String>),
    Milli,
    Minor,
    Microdegrees,
    Milliseconds,
}

/// A field of an event, found by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Keys of the canonical JSON, outermost first.
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
}

/// The event of that name, with or without its package.
pub(super) fn event(name: &str) -> Result<MessageDescriptor, String> {
    let full = if name.contains('.') { name.to_owned() } else { format!("omnifold.v1.{name}") };
    if !Event::TYPES.iter().any(|(known, _)| *known == full) {
        let short = |(full, _): &(&'static str, _)| full.trim_start_matches("omnifold.v1.");
        let known: Vec<&str> = Event::TYPES.iter().map(short).collect();
        return Err(format!("`{name}` is no event; events are {}", known.join(", ")));
    }
    let pool = DescriptorPool::decode(DESCRIPTORS).expect("our own schema is valid");
    Ok(pool.get_message_by_name(&full).expect("every event is in the schema"))
}

/// The field at a path like `destination.location.lat_e6` or `extensions.gift`.
pub(super) fn target(event: &MessageDescriptor, path: &str) -> Result<Target, String> {
    let mut message = event.clone();
    let mut keys = Vec::new();
    let mut names = path.split('.');
    while let Some(name) = names.next() {
        let field = field(&message, name)?;
        keys.push(field.json_name().to_owned());
        if field.is_map() {
            let key = names.by_ref().collect::<Vec<_>>().join(".");
            if key.is_empty() {
                return Err(format!("`{path}` needs a key: `{path}.KEY`"));
            }
            keys.push(key);
            return Ok(Target { path: keys, kind: Kind::Text });
        }
        match field.kind() {
            Wire::Message(_) if field.is_list() => {
                return Err(format!("`{name}` is a list; map it under [repeated.{name}]"));
            }
            Wire::Message(inner) => message = inner,
            _ if names.next().is_some() => {
                return Err(format!("`{name}` has no fields of its own"));
            }
            wire => return Ok(Target { path: keys, kind: kind(&field, &wire)? }),
        }
    }
    Err(format!("`{path}` has fields of its own: {}", field_names(&message)))
}

/// The message of a list of messages.
pub(super) fn list(
    event: &MessageDescriptor,
    name: &str,
) -> Result<(String, MessageDescriptor), String> {
    let field = field(event, name)?;
    match field.kind() {
        Wire::Message(inner) if field.is_list() => Ok((field.json_name().to_owned(), inner)),
        _ => Err(format!("`{name}` is no list; map it under [fields]")),
    }
}

fn field(message: &MessageDescriptor, name: &str) -> Result<FieldDescriptor, String> {
    let found = message.get_field_by_name(name);
    found.or_else(|| message.get_field_by_json_name(name)).ok_or_else(|| {
        format!("{} has no field `{name}`; its fields are {}", message.name(), field_names(message))
    })
}

fn field_names(message: &MessageDescriptor) -> String {
    message.fields().map(|field| field.name().to_owned()).collect::<Vec<_>>().join(", ")
}

fn kind(field: &FieldDescriptor, wire: &Wire) -> Result<Kind, String> {
    let name = field.name();
    Ok(match wire {
        Wire::String if field.is_list() => Kind::Texts,
        _ if field.is_list() => return Err(format!("`{name}` is a list that cells cannot give")),
        Wire::String => Kind::Text,
        Wire::Bool => Kind::Bool,
        Wire::Enum(values) => {
            Kind::Enum(values.values().map(|value| value.name().to_owned()).collect())
        }
        Wire::Bytes => return Err(format!("`{name}` holds sealed bytes; use [seal]")),
        _ if name.ends_with("_milli") => Kind::Milli,
        _ if name == "minor" => Kind::Minor,
        _ if name.ends_with("_e6") => Kind::Microdegrees,
        _ if name.ends_with("_ms") => Kind::Milliseconds,
        _ => Kind::Integer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_fields_and_their_units() {
        let order = event("OrderPlaced").expect("an event");
        for (path, keys, kind) in [
            ("order_id", &["orderId"][..], Kind::Text),
            ("orderId", &["orderId"], Kind::Text),
            ("fulfil_from", &["fulfilFrom"], Kind::Texts),
            ("priority", &["priority"], Kind::Integer),
            (
                "destination.location.lat_e6",
                &["destination", "location", "latE6"],
                Kind::Microdegrees,
            ),
            ("extensions.gift.note", &["extensions", "gift.note"], Kind::Text),
        ] {
            assert_eq!(
                target(&order, path),
                Ok(Target { path: keys.iter().map(|k| (*k).to_owned()).collect(), kind })
            );
        }
        let (key, line) = list(&order, "lines").expect("a list");
        assert_eq!(key, "lines");
        assert_eq!(target(&line, "unit_price.minor").expect("a field").kind, Kind::Minor);
    }

    #[test]
    fn every_wrong_path_says_what_would_be_right() {
        let order = event("omnifold.v1.OrderPlaced").expect("an event");
        for (path, hint) in [
            ("colour", "its fields are channel, order_id"),
            ("lines", "[repeated.lines]"),
            ("lines.sku", "[repeated.lines]"),
            ("destination", "country, postcode_area"),
            ("order_id.part", "has no fields of its own"),
            ("extensions", "`extensions.KEY`"),
            ("destination.recipient.nonce", "[seal]"),
        ] {
            let error = target(&order, path).expect_err(path);
            assert!(error.contains(hint), "{error}");
        }
        assert!(event("EpochMark").expect_err("no input").contains("OrderPlaced, "));
        assert!(list(&order, "priority").expect_err("no list").contains("[fields]"));
    }
}
