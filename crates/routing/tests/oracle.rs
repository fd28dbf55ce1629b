//! The router against brute force: every set of nodes of a small network is tried, and the plan must
//! be the best there is by rule R2 (fewest nodes, then fewest split lines, then the best ranks
//! compared best first). Laws L14, L15 and L16.

use std::collections::BTreeMap;

use omnifold_domain::promise::{DeliveryDays, Learned, LearnedKey, LearnedRow, OrderPromise};
use omnifold_domain::{
    Carrier, CarrierKey, Decision, Item, Location, Lots, Node, NodeDay, NodeIx, Offer, Order,
    OrderKey, Parcel, ParcelKey, Priced, Return, ReturnKey, Scorecard, Settings, ShadowPrices,
    SkuIx, SoftHold, SoftHoldKey, Stock, StockAt, TimerKey, View, WaitingKey, rules,
};
use omnifold_events::v1::{self, Cause, OutcomeStatus, Verdict};
use omnifold_routing::{Router, Turn, haversine_m};
use proptest::prelude::*;

/// A market in plain vectors.
#[derive(Clone)]
struct World {
    settings: Settings,
    nodes: Vec<Node>,
    items: Vec<Item>,
    stock: Vec<Vec<StockAt>>,
    offers: Vec<Offer>,
    order: Order,
}

/// It promises nothing, and has learned nothing.
impl Learned for World {
    fn learned(&self, _: LearnedKey) -> Option<&LearnedRow> {
        None
    }

    fn next_learned(&self, _: LearnedKey) -> Option<LearnedKey> {
        None
    }

    fn delivery_days(&self) -> &DeliveryDays {
        const { &DeliveryDays::EVERY }
    }
}

impl View for World {
    fn settings(&self) -> Option<&Settings> {
        Some(&self.settings)
    }
    fn nodes(&self) -> &[Node] {
        &self.nodes
    }
    fn node_named(&self, id: &str) -> Option<NodeIx> {
        let place = self.nodes.iter().position(|node| node.id == id)?;
        Some(NodeIx(place as u32))
    }
    fn network_version(&self) -> u64 {
        1
    }
    fn item(&self, sku: SkuIx) -> &Item {
        &self.items[sku.0 as usize]
    }
    fn item_named(&self, sku: &str) -> Option<SkuIx> {
        let place = self.items.iter().position(|item| item.sku == sku)?;
        Some(SkuIx(place as u32))
    }
    fn item_count(&self) -> u32 {
        self.items.len() as u32
    }
    fn stock_of(&mut self, sku: SkuIx) -> &[StockAt] {
        &self.stock[sku.0 as usize]
    }
    fn offers_of(&mut self, sku: SkuIx) -> &[Offer] {
        let rows = self.stock[sku.0 as usize].iter();
        self.offers = rows.map(|row| Offer::of(row.node, &row.stock)).collect();
        &self.offers
    }
    fn ledger(&mut self, _: SkuIx, _: NodeIx) -> Option<&omnifold_domain::Ledger> {
        None
    }

    fn order(&mut self, _: OrderKey) -> Option<&Order> {
        Some(&self.order)
    }
    fn orders_open_at(&mut self, _: NodeIx) -> Vec<OrderKey> {
        Vec::new()
    }
    fn orders_not_begun(&mut self, _: i64) -> Vec<OrderKey> {
        Vec::new()
    }
    fn parcel(&mut self, _: ParcelKey) -> Option<&Parcel> {
        None
    }
    fn lots(&mut self, _: SkuIx, _: NodeIx) -> Option<&Lots> {
        None
    }
    fn inbound(&mut self, _: SkuIx, _: NodeIx) -> Option<&omnifold_domain::Inbound> {
        None
    }
    fn return_of(&mut self, _: ReturnKey) -> Option<&Return> {
        None
    }
    fn carrier(&mut self, _: CarrierKey) -> Option<&Carrier> {
        None
    }
    fn node_day(&self, _: NodeIx) -> NodeDay {
        NodeDay::default()
    }
    fn scorecard(&self, _: NodeIx) -> Option<&Scorecard> {
        None
    }
    fn promise_of(&mut self, _: OrderKey) -> Option<&OrderPromise> {
        None
    }

    fn prices(&self, _: Priced) -> Option<&ShadowPrices> {
        None
    }
    fn soft_hold(&self, _: SoftHoldKey) -> Option<&SoftHold> {
        None
    }
    fn next_timer(&self) -> Option<(TimerKey, u128)> {
        None
    }
    fn next_waiting(&mut self, _: SkuIx, _: Option<WaitingKey>) -> Option<(WaitingKey, OrderKey)> {
        None
    }
    fn next_waited_sku(&mut self, _: Option<SkuIx>) -> Option<SkuIx> {
        None
    }
}

const UNIT: i64 = 1_000;
const HOME: Location = Location { lat_e6: 48_000_000, lon_e6: 2_000_000 };

fn settings(wait: bool) -> Settings {
    Settings {
        events_clock: true,
        currency: "EUR".into(),
        allow_partial: false,
        wait,
        explanation: 0,
        dedupe_horizon_ms: 604_800_000,
        max_ahead_ms: 1_000,
        solver_steps: 200_000,
        rules_version: 1,
        channels: Default::default(),
        return_window_ms: 0,
        worst_return_condition: 0,
        return_fee: 0,
        max_parcel_g: 0,
        payment: 0,
        asks_release: false,
        deadlines: Default::default(),
        cancel_waiting_after_ms: 0,
        max_closed_ms: 0,
        notices: 0,
        pickup_expires_after_ms: 0,
        pickup_reminder_after_ms: 0,
        supplies_pickups: false,
        return_expires_after_ms: 0,
        policy: None,
        reserves: false,
        promise: None,
    }
}

fn line(number: usize, sku: usize, units: i64) -> omnifold_domain::Line {
    omnifold_domain::Line::ordered(format!("l{number}"), SkuIx(sku as u32), units * UNIT, 0)
}

fn order(lines: &[(usize, i64)], allow_partial: bool) -> Order {
    let lines = lines.iter().enumerate().map(|(number, &(sku, units))| line(number, sku, units));
    Order {
        channel: "web".into(),
        order_id: "1".into(),
        revision: 1,
        decisions: 0,
        placed_step: 1,
        placed_at: 0,
        priority: 0,
        destination: Some(HOME),
        allow_partial,
        fulfil_from: vec![],
        excluded: vec![],
        lines: lines.collect(),
        fulfilments: vec![],
        details: None,
        handling: None,
        timing: None,
    }
}

/// `free[node][sku]` units on hand; node `place` stands `far[place]` steps from the destination.
fn world(far: &[i32], free: &[Vec<i64>], lines: &[(usize, i64)], allow_partial: bool) -> World {
    let skus = free[0].len();
    let node = |(place, &far): (usize, &i32)| Node {
        id: format!("n{place}"),
        name: String::new(),
        kind: 1,
        location: Some(Location { lat_e6: HOME.lat_e6 + far * 50_000, ..HOME }),
        country: String::new(),
        enabled: true,
        takes_returns: false,
        deadlines: Default::default(),
        capacity: None,
        opening: None,
        absence: None,
        sla: Vec::new(),
        groups: Vec::new(),
    };
    let stock = |sku: usize| {
        let rows = free.iter().enumerate().map(|(place, units)| {
            let on_hand = units[sku] * UNIT;
            let stock = Stock { on_hand, entered: on_hand, ..Stock::default() };
            StockAt { node: NodeIx(place as u32), stock }
        });
        rows.collect()
    };
    let item = |sku| Item {
        sku: format!("s{sku}"),
        name: String::new(),
        scale: 0,
        final_sale: false,
        serialised: false,
        kit: None,
        part_of: Vec::new(),
        purchase: None,
        has_lots: false,
        weight_g: 0,
    };
    World {
        settings: settings(true),
        nodes: far.iter().enumerate().map(node).collect(),
        items: (0..skus).map(item).collect(),
        stock: (0..skus).map(stock).collect(),
        offers: Vec::new(),
        order: order(lines, allow_partial),
    }
}

fn route(world: &mut World) -> Vec<Decision> {
    let rules = rules::find(rules::KNOWN, 1).expect("the first rules");
    let turn = Turn { timer: 0, now_ms: 0, step: 1, rules, cause: Cause::Placed };
    let key = world.order.key();
    Router::default().route(world, turn, key)
}

/// (node, line, units, of which without stock), in message order.
fn shipped(decisions: &[Decision]) -> Vec<(String, String, i64, i64)> {
    let mut all = Vec::new();
    for decision in decisions {
        if let Decision::Assigned(m) = decision {
            let line = |l: &v1::AssignedLine| {
                let (units, without) = (l.quantity_milli / UNIT, l.backordered_milli / UNIT);
                (m.node_id.clone(), l.line_id.clone(), units, without)
            };
            all.extend(m.lines.iter().map(line));
        }
    }
    all
}

fn outcome(decisions: &[Decision]) -> &v1::OrderOutcome {
    let outcomes: Vec<&v1::OrderOutcome> = decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Outcome(m) => Some(m),
            Decision::Assigned(m) => m.outcome.as_ref(),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes.len(), 1, "an order has one outcome: {decisions:?}");
    outcomes[0]
}

/// Lines that must be split when these nodes ship: every way to give whole lines is tried.
fn fewest_splits(free: &[Vec<i64>], nodes: &[usize], lines: &[(usize, i64)]) -> usize {
    fn most(left: &mut Vec<Vec<i64>>, lines: &[(usize, i64)]) -> usize {
        let Some((&(sku, units), rest)) = lines.split_first() else { return 0 };
        let mut best = most(left, rest);
        for node in 0..left.len() {
            if left[node][sku] >= units {
                left[node][sku] -= units;
                best = best.max(1 + most(left, rest));
                left[node][sku] += units;
            }
        }
        best
    }
    let mut left: Vec<Vec<i64>> = nodes.iter().map(|&node| free[node].clone()).collect();
    lines.len() - most(&mut left, lines)
}

fn covers(free: &[Vec<i64>], nodes: &[usize], lines: &[(usize, i64)]) -> bool {
    (0..free[0].len()).all(|sku| {
        let wanted: i64 = lines.iter().filter(|line| line.0 == sku).map(|line| line.1).sum();
        nodes.iter().map(|&node| free[node][sku]).sum::<i64>() >= wanted
    })
}

/// The best set by R2, as places in rank order; `None` where no set covers.
fn best_set(ranked: &[usize], free: &[Vec<i64>], lines: &[(usize, i64)]) -> Option<Vec<usize>> {
    let mut best: Option<(usize, usize, Vec<usize>)> = None;
    for bits in 1u32..1 << ranked.len() {
        let places: Vec<usize> = (0..ranked.len()).filter(|&at| bits & (1 << at) != 0).collect();
        let nodes: Vec<usize> = places.iter().map(|&at| ranked[at]).collect();
        if covers(free, &nodes, lines) {
            let found = (nodes.len(), fewest_splits(free, &nodes, lines), places);
            if best.as_ref().is_none_or(|best| found < *best) {
                best = Some(found);
            }
        }
    }
    best.map(|(_, _, places)| places.into_iter().map(|at| ranked[at]).collect())
}

fn ranked(world: &World) -> Vec<usize> {
    let far = |node: &usize| haversine_m(HOME, world.nodes[*node].location.expect("a place"));
    let mut nodes: Vec<usize> = (0..world.nodes.len()).collect();
    nodes.sort_by(|a, b| {
        far(a).cmp(&far(b)).then_with(|| world.nodes[*a].id.cmp(&world.nodes[*b].id))
    });
    nodes
}

prop_compose! {
    fn a_case()(nodes in 1usize..=7, skus in 1usize..=3)(
        far in prop::collection::vec(0i32..6, nodes),
        free in prop::collection::vec(prop::collection::vec(0i64..5, skus), nodes),
        lines in prop::collection::vec((0..skus, 1i64..6), 1..=4),
    ) -> (Vec<i32>, Vec<Vec<i64>>, Vec<(usize, i64)>) {
        (far, free, lines)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    /// L15: what is chosen is what brute force finds, set and split lines alike.
    #[test]
    fn the_plan_is_the_best_there_is((far, free, lines) in a_case()) {
        let mut world = world(&far, &free, &lines, false);
        let decisions = route(&mut world);
        let shipped = shipped(&decisions);
        let Some(best) = best_set(&ranked(&world), &free, &lines) else {
            prop_assert!(shipped.is_empty());
            prop_assert_eq!(outcome(&decisions).status(), OutcomeStatus::Waiting);
            prop_assert!(!outcome(&decisions).shortages.is_empty());
            return Ok(());
        };
        prop_assert_eq!(outcome(&decisions).status(), OutcomeStatus::Assigned);
        let mut chosen: Vec<String> = shipped.iter().map(|part| part.0.clone()).collect();
        chosen.dedup();
        let names: Vec<String> = best.iter().map(|&node| world.nodes[node].id.clone()).collect();
        prop_assert_eq!(&chosen, &names, "nodes, best rank first");
        let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
        for part in &shipped {
            *parts.entry(&part.1).or_default() += 1;
        }
        let split = parts.values().filter(|&&parts| parts > 1).count();
        prop_assert_eq!(split, fewest_splits(&free, &best, &lines));
    }

    /// L14: no node ships more than it has; lines get what was asked; each node has a verdict.
    #[test]
    fn no_node_ships_what_it_has_not_and_every_unit_is_told(
        (far, free, lines) in a_case(), allow_partial: bool, wait: bool,
    ) {
        let mut world = world(&far, &free, &lines, allow_partial);
        world.settings = settings(wait);
        let decisions = route(&mut world);
        let (mut by_cell, mut by_line) = (BTreeMap::new(), BTreeMap::new());
        for (node, line_id, units, without) in shipped(&decisions) {
            let place: usize = line_id[1..].parse().expect("a line");
            let node = world.node_named(&node).expect("a node").0 as usize;
            *by_cell.entry((node, lines[place].0)).or_insert(0) += units;
            *by_line.entry(place).or_insert(0) += units;
            prop_assert_eq!(without, 0);
        }
        for ((node, sku), units) in by_cell {
            prop_assert!(units <= free[node][sku]);
        }
        let outcome = outcome(&decisions);
        let rest = if wait { &outcome.waiting } else { &outcome.cancelled };
        for part in rest {
            let place: usize = part.line_id[1..].parse().expect("a line");
            *by_line.entry(place).or_insert(0) += part.quantity_milli / UNIT;
        }
        for (place, &(_, units)) in lines.iter().enumerate() {
            prop_assert_eq!(by_line.get(&place).copied().unwrap_or(0), units);
        }
        let explanation = outcome.explanation.as_ref().expect("an explanation");
        prop_assert!(!explanation.bound_hit);
        prop_assert_eq!(explanation.verdicts.len(), explanation.nodes.len());
        for (&node, &verdict) in explanation.nodes.iter().zip(&explanation.verdicts) {
            let id = &world.nodes[node as usize].id;
            let ships = shipped(&decisions).iter().any(|part| part.0 == *id);
            prop_assert_eq!(ships, i32::from(verdict) == i32::from(Verdict::Chosen));
            prop_assert_ne!(i32::from(verdict), i32::from(Verdict::Unspecified));
        }
    }

    /// L16: the order in which nodes were defined, and in which lines stand, does not matter.
    #[test]
    fn neither_the_order_of_nodes_nor_of_lines_matters((far, free, lines) in a_case()) {
        let mut straight = world(&far, &free, &lines, false);
        let mut turned = straight.clone();
        turned.nodes.reverse();
        for rows in &mut turned.stock {
            rows.reverse();
            for (place, row) in rows.iter_mut().enumerate() {
                row.node = NodeIx(place as u32);
            }
        }
        prop_assert_eq!(shipped(&route(&mut straight)), shipped(&route(&mut turned)));
        let mut swapped = straight.clone();
        swapped.order.lines.reverse();
        let nodes = |decisions: &[Decision]| {
            let mut nodes: Vec<String> =
                shipped(decisions).into_iter().map(|part| part.0).collect();
            nodes.dedup();
            nodes
        };
        prop_assert_eq!(nodes(&route(&mut straight)), nodes(&route(&mut swapped)));
        prop_assert_eq!(route(&mut straight.clone()), route(&mut straight));
    }

    /// L17: more stock never refuses what was accepted.
    #[test]
    fn more_stock_never_takes_an_assignment_away((far, free, lines) in a_case(), at in 0usize..7) {
        let fewer = route(&mut world(&far, &free, &lines, false));
        let mut more = free.clone();
        let node = at % more.len();
        more[node][0] += 3;
        let more = route(&mut world(&far, &more, &lines, false));
        if outcome(&fewer).status() == OutcomeStatus::Assigned {
            prop_assert_eq!(outcome(&more).status(), OutcomeStatus::Assigned);
        }
    }
}

#[test]
fn of_nodes_as_near_the_smaller_id_wins() {
    let decisions = route(&mut world(&[3, 3, 3], &[vec![1], vec![1], vec![1]], &[(0, 1)], false));
    assert_eq!(shipped(&decisions), [("n0".into(), "l0".into(), 1, 0)]);
    let explanation = outcome(&decisions).explanation.as_ref().expect("an explanation");
    let tie = Verdict::TieBreak as u8;
    assert_eq!(explanation.verdicts, [Verdict::Chosen as u8, tie, tie]);
}

#[test]
fn lines_of_one_sku_stay_whole_where_another_set_of_as_many_nodes_allows_it() {
    // The two nearest have enough, and would split the second line.
    let free = [vec![3], vec![1], vec![2]];
    let decisions = route(&mut world(&[1, 2, 3], &free, &[(0, 2), (0, 2)], false));
    let nodes: Vec<String> = shipped(&decisions).into_iter().map(|part| part.0).collect();
    assert_eq!(nodes, ["n0", "n2"]);
}

#[test]
fn every_node_that_cannot_serve_has_its_reason() {
    let mut world = world(&[1, 2, 3, 4, 5, 6], &vec![vec![1]; 6], &[(0, 1)], false);
    world.nodes[0].enabled = false;
    world.order.excluded = vec![NodeIx(1)];
    world.stock[0][2].stock.flagged_out = true;
    world.stock[0][3].stock.buffer = UNIT;
    world.order.fulfil_from = (0..5).map(NodeIx).collect();
    let decisions = route(&mut world);
    let explanation = outcome(&decisions).explanation.as_ref().expect("an explanation");
    let verdicts: Vec<Verdict> = explanation
        .verdicts
        .iter()
        .map(|&verdict| Verdict::try_from(i32::from(verdict)).expect("a verdict"))
        .collect();
    use Verdict::{Chosen, Disabled, Excluded, FlaggedOut, NoFreeStock, NotPermitted};
    assert_eq!(verdicts, [Disabled, Excluded, FlaggedOut, NoFreeStock, Chosen, NotPermitted]);
    assert_eq!(shipped(&decisions)[0].0, "n4");
}

/// R6: backorder only after all stock of all candidates, at the best-ranked node that allows it.
#[test]
fn what_no_stock_covers_is_promised_at_the_nearest_node_that_allows_it() {
    let mut world = world(&[1, 2, 3], &[vec![0], vec![1], vec![1]], &[(0, 4)], false);
    world.stock[0][1].stock.backorder_limit = UNIT;
    world.stock[0][2].stock.backorder_limit = 5 * UNIT;
    let decisions = route(&mut world);
    assert_eq!(outcome(&decisions).status(), OutcomeStatus::Assigned);
    assert_eq!(
        shipped(&decisions),
        [("n1".into(), "l0".into(), 2, 1), ("n2".into(), "l0".into(), 2, 1)]
    );
}

/// R5 and Q7: what happens to an order that cannot be covered, in all four ways.
#[test]
fn an_order_that_cannot_be_covered_waits_or_is_refused_whole_or_in_part() {
    let cases = [
        (false, false, OutcomeStatus::Refused, 0),
        (false, true, OutcomeStatus::Waiting, 0),
        (true, false, OutcomeStatus::PartlyAssigned, 2),
        (true, true, OutcomeStatus::PartlyAssigned, 2),
    ];
    for (allow_partial, wait, status, units) in cases {
        let mut world = world(&[1], &[vec![2]], &[(0, 5)], allow_partial);
        world.settings = settings(wait);
        let decisions = route(&mut world);
        let outcome = outcome(&decisions);
        assert_eq!(outcome.status(), status);
        assert_eq!(shipped(&decisions).iter().map(|part| part.2).sum::<i64>(), units);
        let short = &outcome.shortages[0];
        assert_eq!((short.requested_milli, short.available_milli), (5 * UNIT, 2 * UNIT));
        let refused = status == OutcomeStatus::Refused;
        assert_eq!(outcome.reason, if refused { "unfillable" } else { "" });
        assert_eq!(outcome.waiting.is_empty(), !wait);
        assert_eq!(outcome.cancelled.is_empty(), wait);
    }
}

#[test]
fn at_the_bound_the_plan_still_covers_and_says_so() {
    let free: Vec<Vec<i64>> =
        (0..12).map(|n| (0..12).map(|s| i64::from((n * 5 + s * 7) % 12 < 4)).collect()).collect();
    let lines: Vec<(usize, i64)> = (0..12).map(|sku| (sku, 1)).collect();
    let far: Vec<i32> = (0..12).collect();
    let mut world = world(&far, &free, &lines, false);
    world.settings.solver_steps = 3;
    let decisions = route(&mut world);
    assert_eq!(outcome(&decisions).status(), OutcomeStatus::Assigned);
    assert_eq!(shipped(&decisions).iter().map(|part| part.2).sum::<i64>(), 12);
    let explanation = outcome(&decisions).explanation.as_ref().expect("an explanation");
    assert!(explanation.bound_hit && explanation.solver_steps <= 3);
}
