//! A carrier's rates: what a shipment costs by steps of its weight.
//!
//! Carriers price a parcel by its weight in brackets, each up to a weight, and what is heavier by the
//! kilogram begun or not at all. All that a node ships of an order at once is one parcel here.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

use super::Cost;
use super::check::MAX_COST;
use super::read::At;

/// Most steps of a table, and tables of a rule.
const MAX_STEPS: usize = 20;
const MAX_TABLES: usize = 20;
/// Nothing heavier is a parcel: 10 t. What is beyond the last step stays bounded by it.
const HEAVIEST_G: u32 = 10_000_000;
/// Largest price of a kilogram beyond the last step: so much for 10 t is [`MAX_COST`].
const MAX_OVER_KG: i64 = MAX_COST / 10_000;
/// Milligrams in a gram, and in a kilogram.
const MG: i64 = 1_000;
const KG_MG: i64 = 1_000_000;

/// A weight, written in kilograms with three decimals at most and kept in whole grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kilograms {
    /// Grams.
    pub grams: u32,
}

/// One step: what a shipment costs that weighs no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// As heavy as this.
    pub up_to_kg: Kilograms,
    /// The shipment, in 1/1000 of the minor unit.
    pub price: i64,
}

/// The rates of one zone, or of any distance.
#[derive(Debug, Clone, Copy)]
pub struct Rates<'a> {
    /// The lightest first; one at least.
    pub steps: &'a [Spanned<Step>],
    /// For each kilogram begun beyond the last step; `None`: what is heavier is no parcel.
    pub over_kg: Option<i64>,
}

impl Rates<'_> {
    /// What a shipment costs, in 1/1000 of the minor unit; `None`: it is too heavy to be one.
    pub fn price(&self, weight_mg: i64) -> Option<i64> {
        let up_to = |step: &Step| i64::from(step.up_to_kg.grams) * MG;
        let fits = |step: &&Spanned<Step>| weight_mg <= up_to(step.get_ref());
        if let Some(step) = self.steps.iter().find(fits) {
            return Some(step.get_ref().price);
        }
        let (last, over) = (self.steps.last()?.get_ref(), self.over_kg?);
        let kilograms = (weight_mg - up_to(last) + KG_MG - 1) / KG_MG;
        (weight_mg <= self.heaviest_mg()).then(|| last.price + over * kilograms)
    }

    /// The heaviest shipment that has a price, in milligrams.
    pub fn heaviest_mg(&self) -> i64 {
        let last = self.steps.last().map_or(0, |step| step.get_ref().up_to_kg.grams);
        let grams = if self.over_kg.is_some() { HEAVIEST_G } else { last };
        i64::from(grams) * MG
    }

    /// What a shipment costs that was made elsewhere: one that is too heavy counts as several, all but
    /// one of them as heavy as they may be.
    pub(super) fn price_of_parcels(&self, weight_mg: i64) -> i64 {
        let most = self.heaviest_mg().max(1);
        let (full, rest) = (weight_mg / most, weight_mg % most);
        let price = |weight: i64| self.price(weight).unwrap_or(0);
        let of_rest = if rest > 0 || full == 0 { price(rest) } else { 0 };
        price(most).saturating_mul(full).saturating_add(of_rest)
    }
}

impl Cost {
    /// The tables of rates: that of any distance, or those of zones that have one.
    pub fn tables(&self) -> impl Iterator<Item = Rates<'_>> {
        let any = Rates { steps: &self.steps, over_kg: self.over_kg };
        let of_zones = self.zones.iter().map(|zone| zone.get_ref().rates());
        std::iter::once(any).chain(of_zones).filter(|rates| !rates.steps.is_empty())
    }

    /// Whether any shipment is priced by steps of its weight.
    pub fn has_steps(&self) -> bool {
        self.tables().next().is_some()
    }

    /// Which of [`Cost::tables`] prices a shipment sent that far; `None`: none.
    pub fn table_at(&self, metres: Option<u32>) -> Option<usize> {
        if !self.steps.is_empty() {
            return Some(0);
        }
        let zone = self.zone_at(metres)?;
        let has_steps = |zone: usize| !self.zones[zone].get_ref().steps.is_empty();
        has_steps(zone).then(|| (0..zone).filter(|&before| has_steps(before)).count())
    }
}

/// What a table must keep to; `offset` is where its rule is.
pub(super) fn check(cost: &Cost, offset: usize) -> Result<(), At> {
    let fault = |offset: usize, what: String| Err(At { offset, what });
    if !cost.steps.is_empty() && !cost.zones.is_empty() {
        let at = cost.steps[0].span().start;
        return fault(at, "`steps` stand in the zones where there are zones".to_owned());
    }
    if cost.over_kg.is_some() && cost.steps.is_empty() {
        return fault(
            offset,
            "`over_kg` is for what is heavier than the last of `steps`".to_owned(),
        );
    }
    for zone in &cost.zones {
        let (zone, at) = (zone.get_ref(), zone.span().start);
        if zone.steps.is_empty() && zone.over_kg.is_some() {
            return fault(
                at,
                "`over_kg` is for what is heavier than the last of `steps`".to_owned(),
            );
        }
        if zone.steps.is_empty() && zone.unit.is_none() {
            return fault(at, "a zone has `unit` or `steps`".to_owned());
        }
    }
    if cost.tables().count() > MAX_TABLES {
        return fault(offset, format!("more than {MAX_TABLES} tables of `steps`"));
    }
    cost.tables().try_for_each(check_table)
}

fn check_table(rates: Rates<'_>) -> Result<(), At> {
    let first = &rates.steps[0];
    let fault = |step: &Spanned<Step>, what: String| Err(At { offset: step.span().start, what });
    if rates.steps.len() > MAX_STEPS {
        return fault(first, format!("more than {MAX_STEPS} steps"));
    }
    for step in rates.steps {
        let Step { up_to_kg, price } = *step.get_ref();
        if !(0..=MAX_COST).contains(&price) {
            return fault(step, format!("a price of {price} is not in 0 to {MAX_COST}"));
        }
        if up_to_kg.grams == 0 || up_to_kg.grams > HEAVIEST_G {
            return fault(step, "`up_to_kg` is more than 0 and 10000 at most".to_owned());
        }
    }
    for pair in rates.steps.windows(2) {
        let (light, heavy) = (pair[0].get_ref(), pair[1].get_ref());
        if heavy.up_to_kg <= light.up_to_kg {
            return fault(&pair[1], "the steps do not grow".to_owned());
        }
        if heavy.price < light.price {
            return fault(&pair[1], "a heavier shipment costs less than a lighter one".to_owned());
        }
    }
    match rates.over_kg {
        Some(over) if !(0..=MAX_OVER_KG).contains(&over) => {
            fault(first, format!("`over_kg` of {over} is not in 0 to {MAX_OVER_KG}"))
        }
        _ => Ok(()),
    }
}

impl Kilograms {
    /// Reads `31.5`.
    fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if part.is_empty() || part.len() > 3 || !is_number(part) || !is_number(whole) {
            return None;
        }
        let grams = format!("{whole}{part:0<3}").parse().ok()?;
        Some(Kilograms { grams })
    }
}

impl fmt::Display for Kilograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.grams / 1_000, self.grams % 1_000);
        let text = format!("{whole}.{part:03}");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A number of the document: its shortest text is what was written, so nothing is ever rounded.
impl Serialize for Kilograms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.grams.is_multiple_of(1_000) {
            return serializer.serialize_u32(self.grams / 1_000);
        }
        let number = self.to_string().parse().expect("digits and a point");
        serializer.serialize_f64(number)
    }
}

impl<'de> Deserialize<'de> for Kilograms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Kilograms;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("kilograms, with three decimals at most")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Kilograms, E> {
                read(&value.to_string())
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Kilograms, E> {
                read(&value.to_string())
            }
        }
        fn read<E: Error>(text: &str) -> Result<Kilograms, E> {
            let fault =
                || E::custom(format!("{text} is no weight: kilograms, three decimals at most"));
            Kilograms::parse(text).ok_or_else(fault)
        }
        deserializer.deserialize_any(Number)
    }
}
