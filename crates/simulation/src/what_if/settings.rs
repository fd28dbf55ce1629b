//! A change of the market's settings: `coverage=ALLOW_PARTIAL`, `shortage=WAIT`, `acceptWithinMs=0`.

use omnifold_events::{ContentType, Event, decode, v1};
use serde_json::Value;

/// Fields of MarketConfigured with the values they get.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Names as in JSON, and values.
    pairs: Vec<(String, Value)>,
}

/// Why a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is not `name=value`.
    #[error("`{0}` is not NAME=VALUE, such as shortage=WAIT")]
    Form(String),
    /// The replay's clock is its own, and currency and identity stay what they were.
    #[error("`{0}` cannot be changed in a replay")]
    Fixed(String),
    /// MarketConfigured has no such field, or the value is none of it.
    #[error("MarketConfigured cannot be told `{0}`: {1}")]
    Value(String, String),
}

const TYPE: &str = "omnifold.v1.MarketConfigured";
const FIXED: [&str; 4] = ["clock", "currency", "dedupeHorizonMs", "maxAheadMs"];

/// Enumerations, whose values may be told without their prefix.
const PREFIXES: [(&str, &str); 6] = [
    ("coverage", "COVERAGE_"),
    ("shortage", "SHORTAGE_"),
    ("explanation", "EXPLANATION_LEVEL_"),
    ("payment", "PAYMENT_RULE_"),
    ("release", "RELEASE_RULE_"),
    ("worstReturnCondition", "ITEM_CONDITION_"),
];

impl Settings {
    /// Reads `NAME=VALUE` words.
    ///
    /// # Errors
    /// Where a word is none, or the schema does not have it.
    pub fn parse(words: &[String]) -> Result<Self, SettingsError> {
        let pairs: Result<Vec<_>, _> = words.iter().map(|word| pair(word)).collect();
        let settings = Settings { pairs: pairs? };
        for (word, (name, value)) in words.iter().zip(&settings.pairs) {
            if FIXED.contains(&name.as_str()) {
                return Err(SettingsError::Fixed(name.clone()));
            }
            let alone = serde_json::json!({ name: value });
            read(&alone).map_err(|fault| SettingsError::Value(word.clone(), fault))?;
        }
        Ok(settings)
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// For people: the words in full; `None`: nothing is changed.
    pub fn name(&self) -> Option<String> {
        let word = |(name, value): &(String, Value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        };
        let words: Vec<String> = self.pairs.iter().map(word).collect();
        if words.is_empty() { None } else { Some(words.join(" ")) }
    }

    /// The settings with the change.
    pub fn applied(&self, configured: v1::MarketConfigured) -> v1::MarketConfigured {
        if self.is_empty() {
            return configured;
        }
        let mut body = serde_json::to_value(configured).expect("messages have a JSON form");
        for (name, value) in &self.pairs {
            body[name] = value.clone();
        }
        read(&body).expect("each value was read alone")
    }
}

fn pair(word: &str) -> Result<(String, Value), SettingsError> {
    let (name, text) = word.split_once('=').ok_or_else(|| SettingsError::Form(word.to_owned()))?;
    let prefix = PREFIXES.iter().find(|(known, _)| *known == name).map_or("", |row| row.1);
    let is_short = !prefix.is_empty() && !text.starts_with(prefix);
    let text = if is_short { format!("{prefix}{}", text.to_uppercase()) } else { text.to_owned() };
    Ok((name.to_owned(), Value::String(text)))
}

fn read(body: &Value) -> Result<v1::MarketConfigured, String> {
    let bytes = serde_json::to_vec(body).expect("JSON can be written");
    match decode(TYPE, ContentType::Json, &bytes) {
        Ok(Event::MarketConfigured(configured)) => Ok(configured),
        Ok(other) => Err(format!("it reads as {}", other.type_name())),
        Err(fault) => Err(fault.to_string()),
    }
}
