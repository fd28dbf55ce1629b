//! Soft holds: where the units of a cart are kept, or what was missing (rules H1 to H4).
//!
//! A hold is planned as an order would be, all or nothing, and takes the same units: what it holds
//! is what an order of these lines would get.

use omnifold_domain::promise::{DeliveryDays, Learned, LearnedKey, LearnedRow, OrderPromise};
use omnifold_domain::{
    Carrier, CarrierKey, Decision, Inbound, Item, Ledger, Line, Lots, Node, NodeDay, NodeIx, Offer,
    Order, OrderKey, Parcel, ParcelKey, Priced, Return, ReturnKey, Scorecard, Settings,
    ShadowPrices, SkuIx, SoftHold, SoftHoldKey, SoftHoldRequest, StockAt, TimerKey, View,
    WaitingKey,
};
use omnifold_events::v1::{self, ExplanationLevel, StockHoldStatus};

use crate::decide::{Plan, Router, Task, Turn};

impl Router {
    /// Decides a request for a hold. Its own earlier hold is not counted against it (rule H2).
    ///
    /// # Panics
    /// Where the market has no settings: the caller's to know.
    pub fn soft_hold<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        request: &SoftHoldRequest,
    ) -> Vec<Decision> {
        let max_steps = view.settings().expect("a market with stock has settings").solver_steps;
        let mut cart = as_order(request, turn);
        cart.serve_kits_as_parts(view);
        let replaced = view.soft_hold(SoftHoldKey::of(&request.channel, &request.hold_id)).cloned();
        let mut view = WithoutSoftHold { view, replaced, rows: Vec::new(), offers: Vec::new() };
        let level = ExplanationLevel::None;
        let task = Task { turn, order: &cart, level, max_steps };
        let (mut plan, _) = self.plan_ruled(&mut view, task);
        if let Some((changed, better)) = self.stand_in(&mut view, task, &plan) {
            (cart, plan) = (changed, better);
        }
        vec![Decision::SoftHold(outcome(&view, turn, request, &cart, plan))]
    }

    /// Ends a hold, where it is still there.
    pub fn end_soft_hold<V: View>(
        &mut self,
        view: &V,
        turn: Turn,
        key: SoftHoldKey,
        status: StockHoldStatus,
        order_id: String,
    ) -> Vec<Decision> {
        let Some(hold) = view.soft_hold(key) else { return Vec::new() };
        let units = hold.units.iter().map(|held| v1::HeldUnits {
            sku: view.item(held.sku).sku.clone(),
            node_id: view.nodes()[held.node.0 as usize].id.clone(),
            quantity_milli: held.quantity,
        });
        vec![Decision::SoftHold(v1::StockHoldOutcome {
            channel: hold.channel.clone(),
            hold_id: hold.hold_id.clone(),
            status: status.into(),
            units: units.collect(),
            expires_at_ms: hold.expires_at,
            order_id,
            step: turn.step,
            timer: turn.timer,
            ..v1::StockHoldOutcome::default()
        })]
    }
}

/// The order that would take what the request asks for.
fn as_order(request: &SoftHoldRequest, turn: Turn) -> Order {
    let line = |(place, &(sku, units)): (usize, &(SkuIx, i64))| {
        Line::ordered(place.to_string(), sku, units, 0)
    };
    Order {
        channel: request.channel.clone(),
        order_id: request.hold_id.clone(),
        revision: 1,
        decisions: 0,
        placed_step: turn.step,
        placed_at: turn.now_ms,
        priority: 0,
        destination: None,
        allow_partial: false,
        fulfil_from: request.node.into_iter().collect(),
        excluded: Vec::new(),
        lines: request.lines.iter().enumerate().map(line).collect(),
        fulfilments: Vec::new(),
        details: None,
        handling: None,
        timing: None,
    }
}

fn outcome<V: View>(
    view: &V,
    turn: Turn,
    request: &SoftHoldRequest,
    cart: &Order,
    plan: Plan,
) -> v1::StockHoldOutcome {
    let held = plan.uncovered.is_empty();
    let status = if held { StockHoldStatus::Held } else { StockHoldStatus::Refused };
    let reason = if held { String::new() } else { plan.reason.code().to_owned() };
    v1::StockHoldOutcome {
        channel: request.channel.clone(),
        hold_id: request.hold_id.clone(),
        status: status.into(),
        reason,
        units: if held { units(view, cart, &plan) } else { Vec::new() },
        expires_at_ms: if held { request.expires_at } else { 0 },
        step: turn.step,
        timer: turn.timer,
        shortages: plan.shortages,
        ..v1::StockHoldOutcome::default()
    }
}

/// Each (SKU, node) once, in the order of the plan.
fn units<V: View>(view: &V, cart: &Order, plan: &Plan) -> Vec<v1::HeldUnits> {
    let mut held: Vec<v1::HeldUnits> = Vec::new();
    for shipment in &plan.shipments {
        let node_id = &view.nodes()[shipment.node].id;
        for &(line, quantity, _) in &shipment.lines {
            let sku = &view.item(cart.lines[line].sku).sku;
            let same = |row: &&mut v1::HeldUnits| row.sku == *sku && row.node_id == *node_id;
            match held.iter_mut().find(same) {
                Some(row) => row.quantity_milli += quantity,
                None => held.push(v1::HeldUnits {
                    sku: sku.clone(),
                    node_id: node_id.clone(),
                    quantity_milli: quantity,
                }),
            }
        }
    }
    held
}

/// The market as it is once a hold is replaced.
struct WithoutSoftHold<'a, V> {
    view: &'a mut V,
    replaced: Option<SoftHold>,
    rows: Vec<StockAt>,
    offers: Vec<Offer>,
}

impl<V: View> Learned for WithoutSoftHold<'_, V> {
    fn learned(&self, key: LearnedKey) -> Option<&LearnedRow> {
        self.view.learned(key)
    }

    fn next_learned(&self, after: LearnedKey) -> Option<LearnedKey> {
        self.view.next_learned(after)
    }

    fn delivery_days(&self) -> &DeliveryDays {
        self.view.delivery_days()
    }
}

impl<V: View> View for WithoutSoftHold<'_, V> {
    fn stock_of(&mut self, sku: SkuIx) -> &[StockAt] {
        let Some(replaced) = &self.replaced else { return self.view.stock_of(sku) };
        self.rows.clear();
        self.rows.extend_from_slice(self.view.stock_of(sku));
        for row in &mut self.rows {
            row.stock.held -= replaced.held_at(sku, row.node);
        }
        &self.rows
    }

    fn offers_of(&mut self, sku: SkuIx) -> &[Offer] {
        if self.replaced.is_none() {
            return self.view.offers_of(sku);
        }
        let offers = self.stock_of(sku).iter().map(|row| Offer::of(row.node, &row.stock));
        self.offers = offers.collect();
        &self.offers
    }

    fn settings(&self) -> Option<&Settings> {
        self.view.settings()
    }

    fn nodes(&self) -> &[Node] {
        self.view.nodes()
    }

    fn node_named(&self, id: &str) -> Option<NodeIx> {
        self.view.node_named(id)
    }

    fn network_version(&self) -> u64 {
        self.view.network_version()
    }

    fn item(&self, sku: SkuIx) -> &Item {
        self.view.item(sku)
    }

    fn item_named(&self, sku: &str) -> Option<SkuIx> {
        self.view.item_named(sku)
    }

    fn item_count(&self) -> u32 {
        self.view.item_count()
    }

    fn ledger(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Ledger> {
        self.view.ledger(sku, node)
    }

    fn order(&mut self, key: OrderKey) -> Option<&Order> {
        self.view.order(key)
    }

    fn orders_open_at(&mut self, node: NodeIx) -> Vec<OrderKey> {
        self.view.orders_open_at(node)
    }

    fn orders_not_begun(&mut self, placed_before: i64) -> Vec<OrderKey> {
        self.view.orders_not_begun(placed_before)
    }

    fn parcel(&mut self, key: ParcelKey) -> Option<&Parcel> {
        self.view.parcel(key)
    }

    fn lots(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Lots> {
        self.view.lots(sku, node)
    }

    fn inbound(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Inbound> {
        self.view.inbound(sku, node)
    }

    fn return_of(&mut self, key: ReturnKey) -> Option<&Return> {
        self.view.return_of(key)
    }

    fn carrier(&mut self, key: CarrierKey) -> Option<&Carrier> {
        self.view.carrier(key)
    }

    fn node_day(&self, node: NodeIx) -> NodeDay {
        self.view.node_day(node)
    }

    fn scorecard(&self, node: NodeIx) -> Option<&Scorecard> {
        self.view.scorecard(node)
    }

    fn promise_of(&mut self, key: OrderKey) -> Option<&OrderPromise> {
        self.view.promise_of(key)
    }

    fn prices(&self, of: Priced) -> Option<&ShadowPrices> {
        self.view.prices(of)
    }

    fn soft_hold(&self, key: SoftHoldKey) -> Option<&SoftHold> {
        self.view.soft_hold(key)
    }

    fn next_timer(&self) -> Option<(TimerKey, u128)> {
        self.view.next_timer()
    }

    fn next_waiting(
        &mut self,
        sku: SkuIx,
        after: Option<WaitingKey>,
    ) -> Option<(WaitingKey, OrderKey)> {
        self.view.next_waiting(sku, after)
    }

    fn next_waited_sku(&mut self, after: Option<SkuIx>) -> Option<SkuIx> {
        self.view.next_waited_sku(after)
    }
}
