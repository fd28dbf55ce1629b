//! What shipping costs by a policy, for plans that were made elsewhere: two plans for one order are
//! priced alike, whoever made them.

use std::cmp::Reverse;

use omnifold_events::v1;

use super::expression::{Expression, Fact, Facts, Value};
use super::{Cost, Policy, Rates, Rule, Spanned, Zone, plain_postcode};
use crate::OrderClass;

/// Farther than any place: what an unknown distance counts as.
const HALF_THE_EARTH_M: u32 = 20_015_115;

/// Most that the weight of a unit costs: heavier ones count as this heavy.
const MOST_OF_A_UNIT: i64 = 1_000_000_000_000;

impl Rule {
    /// Rules are tried in this order, the smallest first: fallbacks last, of the others those that say
    /// more about the orders they take, then by sequence. Equal ones as written.
    pub fn precedence(&self) -> (bool, Reverse<usize>, u32) {
        let lists =
            [&self.channels, &self.services, &self.sellers, &self.order_types, &self.segments];
        let said = lists.into_iter().filter(|list| !list.is_empty()).count();
        let specificity = said + usize::from(self.when.is_some());
        (self.fallback, Reverse(specificity), self.sequence)
    }
}

impl Rule {
    /// Whether an order is of a channel, a shipping method and a class that the rule takes.
    pub fn selects(&self, channel: &str, service: &str, class: Option<&OrderClass>) -> bool {
        let fits = |wanted: &[String], value: &str| {
            wanted.is_empty() || wanted.iter().any(|one| one == value)
        };
        let of_class = |part: fn(&OrderClass) -> &str| class.map_or("", part);
        fits(&self.channels, channel)
            && fits(&self.services, service)
            && fits(&self.sellers, of_class(|class| &class.seller))
            && fits(&self.order_types, of_class(|class| &class.order_type))
            && fits(&self.segments, of_class(|class| &class.segment))
    }
}

/// Kilometres begun.
fn kilometres(metres: Option<u32>) -> u32 {
    metres.unwrap_or(HALF_THE_EARTH_M).div_ceil(1_000)
}

impl Cost {
    /// A shipment from a node that is in these groups, sorted by name. 1/1000 of the minor unit.
    pub fn of_shipment<'a>(&self, groups: impl IntoIterator<Item = &'a String>) -> i64 {
        let own = groups.into_iter().find_map(|group| self.shipment_of.get(group));
        own.copied().unwrap_or(self.shipment)
    }

    /// A unit of so many grams sent that far; `None`: it is not known how far, which costs what the
    /// farthest place does. An unknown weight weighs nothing. 1/1000 of the minor unit, rounded to the
    /// nearest.
    pub fn of_unit(&self, metres: Option<u32>, weight_g: u32) -> i64 {
        let (unit, kg) = self.by_distance(metres);
        let of_weight = (i128::from(kg) * i128::from(weight_g) + 500) / 1_000;
        unit + i64::try_from(of_weight).map_or(MOST_OF_A_UNIT, |cost| cost.min(MOST_OF_A_UNIT))
    }

    /// What sending units together costs that far, beside the shipment of [`Cost::of_shipment`]: by the
    /// steps of their weight where there are any, and beside it parts of a unit and of a kilogram in
    /// proportion, rounded down. What is too heavy for one parcel counts as several. 1/1000 of the minor
    /// unit.
    pub fn of_contents(&self, metres: Option<u32>, units_milli: i64, weight_mg: i64) -> i64 {
        let (unit, kg) = self.by_distance(metres);
        let units = i128::from(unit) * i128::from(units_milli) / 1_000;
        let weight = i128::from(kg) * i128::from(weight_mg) / 1_000_000;
        let contents = i64::try_from(units + weight).unwrap_or(i64::MAX);
        let table = self.rates_at(metres);
        let by_weight = table.map_or(0, |rates| rates.price_of_parcels(weight_mg));
        by_weight.saturating_add(contents)
    }

    /// Whether it makes a difference how far something is sent.
    pub fn asks_distance(&self) -> bool {
        !self.zones.is_empty() || self.unit_km > 0 || self.kg_km > 0
    }

    /// Whether a unit of so many grams can be sent that far at all.
    pub fn can_ship(&self, metres: Option<u32>, weight_g: u32) -> bool {
        let weight_mg = i64::from(weight_g) * 1_000;
        self.rates_at(metres).is_none_or(|rates| weight_mg <= rates.heaviest_mg())
    }

    /// The table of a shipment sent that far.
    pub fn rates_at(&self, metres: Option<u32>) -> Option<Rates<'_>> {
        self.table_at(metres).and_then(|table| self.tables().nth(table))
    }

    /// What a unit costs sent that far, and a kilogram beside it.
    fn by_distance(&self, metres: Option<u32>) -> (i64, i64) {
        let Some(zone) = self.zone_at(metres) else {
            let km = i64::from(kilometres(metres));
            return (self.unit + self.unit_km * km, self.kg + self.kg_km * km);
        };
        let zone = self.zones[zone].get_ref();
        (self.unit + zone.unit.unwrap_or(0), self.kg + zone.kg)
    }

    /// The zone that reaches that far; `None`: there are no zones.
    pub(super) fn zone_at(&self, metres: Option<u32>) -> Option<usize> {
        let km = kilometres(metres);
        let reaches =
            |zone: &Spanned<Zone>| zone.get_ref().up_to_km.is_none_or(|reach| km <= reach);
        self.zones.iter().position(reaches)
    }
}

/// The cost models of a policy's rules, and which orders each is for.
#[derive(Debug, Clone)]
pub struct Tariff {
    policy: Policy,
    /// Rules with a cost model, in the order in which they are tried; last what the policy says for all.
    rates: Vec<Rate>,
}

#[derive(Debug, Clone)]
struct Rate {
    /// `None`: any order.
    rule: Option<Rule>,
    cost: Cost,
    when: Option<Expression>,
}

/// A shipment of an order.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// Where it comes from.
    pub node: &'a str,
    /// How far it goes; `None`: nobody knows.
    pub metres: Option<u32>,
    /// Units in it, in 1/1000.
    pub units_milli: i64,
    /// What they weigh, in milligrams; units of unknown weight weigh nothing.
    pub weight_mg: i64,
}

impl Tariff {
    /// `None`: neither the policy nor a rule of it says what shipping costs.
    pub fn of(policy: Policy) -> Option<Self> {
        let mut rules: Vec<&Rule> = policy.rules.iter().map(|rule| rule.get_ref()).collect();
        rules.sort_by_key(|rule| rule.precedence());
        let rate = |rule: &Rule| {
            let read = |text: &toml::Spanned<String>| {
                Expression::parse(text.get_ref()).expect("checked when the policy was read")
            };
            let cost = policy.cost_of(rule)?.clone();
            Some(Rate { rule: Some(rule.clone()), cost, when: rule.when.as_ref().map(read) })
        };
        let for_all = policy.cost.as_ref().map(|cost| cost.get_ref().clone());
        let for_all = for_all.map(|cost| Rate { rule: None, cost, when: None });
        let rates: Vec<Rate> = rules.into_iter().filter_map(rate).chain(for_all).collect();
        if rates.is_empty() { None } else { Some(Tariff { policy, rates }) }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The place of the first cost model that is for an order; `None`: no rule with costs takes it.
    /// `is_final_sale` tells what of a SKU the order does not.
    pub fn rate_of(
        &self,
        order: &v1::OrderPlaced,
        is_final_sale: &dyn Fn(&str) -> bool,
    ) -> Option<usize> {
        let service = order.delivery.as_ref().map_or("", |terms| terms.shipping_method.as_str());
        let class = order.class.as_deref().cloned().unwrap_or_default();
        let to = order.destination.clone().unwrap_or_default();
        let class = OrderClass {
            seller: class.seller_id,
            order_type: class.order_type,
            segment: class.customer_segment,
            country: to.country,
            postcode: plain_postcode(&to.postcode_area),
        };
        let facts = PlacedFacts { order, service, class: &class, is_final_sale };
        self.rates.iter().position(|rate| {
            rate.rule
                .as_ref()
                .is_none_or(|rule| rule.selects(&order.channel, service, Some(&class)))
                && rate.when.as_ref().is_none_or(|when| when.holds(&facts))
        })
    }

    /// The rate that most orders are priced by, where nothing is known of an order: that of the rule that
    /// says least about the orders it takes, fallbacks aside; what the policy says for all where it does.
    pub fn broadest(&self) -> usize {
        let is_own = |rate: &Rate| rate.rule.as_ref().is_none_or(|rule| !rule.fallback);
        let own = self.rates.iter().rposition(is_own);
        own.unwrap_or(self.rates.len() - 1)
    }

    /// What a parcel costs at a rate for each day that it comes too late, in 1/1000 of the minor unit.
    pub fn late_day(&self, rate: usize) -> i64 {
        self.rates[rate].cost.late_day
    }

    /// Whether any rate has a price for that.
    pub fn has_late_day(&self) -> bool {
        self.rates.iter().any(|rate| rate.cost.late_day > 0)
    }

    /// How much a rate counts of what a unit loses where it is not sold, in per mille.
    pub fn markdown(&self, rate: usize) -> i64 {
        self.rates[rate].cost.markdown
    }

    /// Whether any rate counts some of it.
    pub fn has_markdown(&self) -> bool {
        self.rates.iter().any(|rate| rate.cost.markdown > 0)
    }

    /// What a parcel costs at a rate of [`Tariff::rate_of`], in 1/1000 of the minor unit, as
    /// [`Cost::of_contents`] says. Lateness and markdowns are not counted.
    pub fn price(&self, rate: usize, parcel: Parcel<'_>) -> i64 {
        let cost = &self.rates[rate].cost;
        let groups = self.policy.groups.iter();
        let its = groups.filter(|(_, nodes)| nodes.iter().any(|node| node == parcel.node));
        let Parcel { metres, units_milli, weight_mg, .. } = parcel;
        let shipment = cost.of_shipment(its.map(|(name, _)| name));
        shipment.saturating_add(cost.of_contents(metres, units_milli, weight_mg))
    }
}

/// What a predicate over the order asks, of the order as it was placed.
struct PlacedFacts<'a> {
    order: &'a v1::OrderPlaced,
    service: &'a str,
    class: &'a OrderClass,
    is_final_sale: &'a dyn Fn(&str) -> bool,
}

impl PlacedFacts<'_> {
    fn price(&self, line: usize) -> i64 {
        self.order.lines[line].unit_price.as_ref().map_or(0, |price| price.minor)
    }

    fn value(&self) -> i64 {
        let of = |line: usize| {
            let units = i128::from(self.order.lines[line].quantity_milli);
            i64::try_from(i128::from(self.price(line)) * units / 1_000).unwrap_or(i64::MAX)
        };
        (0..self.order.lines.len()).map(of).fold(0, i64::saturating_add)
    }
}

impl Facts for PlacedFacts<'_> {
    fn fact(&self, fact: Fact, line: usize) -> Value<'_> {
        let order = self.order;
        let place = order.destination.as_ref().and_then(|destination| destination.location);
        match fact {
            Fact::OrderChannel => Value::Text(&order.channel),
            Fact::OrderPriority => Value::Int(i64::from(order.priority)),
            Fact::OrderUnits => {
                let units = order.lines.iter().map(|line| line.quantity_milli);
                Value::Int(units.fold(0, i64::saturating_add))
            }
            Fact::OrderValue => Value::Int(self.value()),
            Fact::OrderLineCount => Value::Int(order.lines.len() as i64),
            Fact::OrderService => Value::Text(self.service),
            Fact::OrderSeller => Value::Text(&self.class.seller),
            Fact::OrderType => Value::Text(&self.class.order_type),
            Fact::OrderSegment => Value::Text(&self.class.segment),
            Fact::OrderCountry => Value::Text(&self.class.country),
            Fact::OrderPostcode => Value::Text(&self.class.postcode),
            Fact::OrderPlaceKnown => Value::Bool(place.is_some()),
            Fact::LineSku => Value::Text(&order.lines[line].sku),
            Fact::LineUnits => Value::Int(order.lines[line].quantity_milli),
            Fact::LinePrice => Value::Int(self.price(line)),
            Fact::LineFinalSale => Value::Bool((self.is_final_sale)(&order.lines[line].sku)),
            other => unreachable!("a rule's `when` may not name `{}`", other.name()),
        }
    }

    fn lines(&self) -> usize {
        self.order.lines.len()
    }
}
