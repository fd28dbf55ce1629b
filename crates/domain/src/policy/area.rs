//! Service areas: countries, and parts of them by how postcodes begin.

use super::{Policy, Ranker};
use crate::policy::expression::{Expression, Fact};

/// A country, or the part of it whose postcodes begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// ISO 3166-1 alpha-2.
    country: String,
    /// As [`plain_postcode`] writes it; empty: the whole country.
    prefix: String,
}

impl Area {
    /// Reads `DE`, `DE 10`, `GB SW1A`. `None`: it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (country, prefix) = text.split_once(' ').unwrap_or((text, ""));
        let is_country = country.len() == 2 && country.bytes().all(|it| it.is_ascii_uppercase());
        let plain = plain_postcode(prefix);
        let is_prefix = plain.is_empty() == (country.len() == text.len());
        (is_country && is_prefix).then(|| Area { country: country.to_owned(), prefix: plain })
    }

    /// Whether a place is in it. What is known of the postcode must be enough to tell.
    pub fn holds(&self, country: &str, postcode: &str) -> bool {
        self.country == country && postcode.starts_with(&self.prefix)
    }
}

/// Letters and digits of a postcode, upper case: channels write blanks and hyphens as they like.
pub fn plain_postcode(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

impl Policy {
    /// Whether anything in it asks which country or postcode area an order goes to.
    pub(super) fn asks_place(&self) -> bool {
        let asks = |text: &toml::Spanned<String>| {
            let expression = Expression::parse(text.get_ref()).expect("checked when it was read");
            expression.names(Fact::OrderCountry) || expression.names(Fact::OrderPostcode)
        };
        fn whens(ranker: &Ranker) -> Vec<&toml::Spanned<String>> {
            ranker.when.iter().chain(ranker.terms.iter().flat_map(whens)).collect()
        }
        self.rules.iter().map(toml::Spanned::get_ref).any(|rule| {
            let rankers = rule.rank.iter().flat_map(|ranker| whens(ranker.get_ref()));
            rule.nodes.in_area || rule.when.iter().chain(&rule.nodes.when).chain(rankers).any(asks)
        })
    }
}
