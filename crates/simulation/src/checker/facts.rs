//! What input events say, taken into the books.

use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{Envelope, Event, decode, v1};
use omnifold_log::TopicKind;

use super::audit::{Audit, Key, Request, Sells};
use super::holds::Handling;
use super::ledger::{Order, Share};
use super::names::pair_hash;
use super::preface::Refused;
use super::report::Rule;
use super::topics::Input;

impl Audit {
    /// Takes one input record: a new step.
    pub fn fact(&mut self, step: u64, input: &Input<'_>, refused: Option<Refused>) {
        self.begin_step(step);
        self.report.counts.inputs += 1;
        let envelope = match &input.envelope {
            Ok(envelope) => envelope,
            Err(fault) => return self.unreadable(input, refused, fault.to_string()),
        };
        let turned = refused == Some(Refused::Turned);
        let new = turned || self.seen.insert(pair_hash(envelope.source, envelope.id));
        if !new && refused.is_none() {
            self.report.counts.duplicates += 1;
            return;
        }
        let event = match read(input, envelope) {
            Ok(event) => event,
            Err(fault) => return self.unreadable(input, refused, fault),
        };
        match refused {
            None => self.apply(&event, input.time_ms),
            Some(Refused::Content) if let Event::StockHeld(held) = &event => {
                self.soft_hold_asked(held, true);
            }
            Some(refused) => self.request(&event, refused == Refused::Content),
        }
    }

    fn unreadable(&mut self, input: &Input<'_>, refused: Option<Refused>, fault: String) {
        if refused.is_none() {
            let topic = TopicKind::INPUTS[input.topic].name();
            let place = format!("{topic} offset {}", input.record.offset);
            self.violation(Rule::UnreadableAccepted, &place, fault);
        }
    }

    /// An order that was refused: it gets an outcome and no books.
    fn request(&mut self, event: &Event, must_answer: bool) {
        let Event::OrderPlaced(placed) = event else { return };
        self.report.counts.orders += u64::from(must_answer);
        let key = pair_hash(&placed.channel, &placed.order_id);
        let name = format!("{}/{}", placed.channel, placed.order_id);
        self.now.request = Some(Request { key, name, must_answer, outcome: None });
    }

    fn apply(&mut self, event: &Event, time_ms: i64) {
        self.check_soft_holds_at(time_ms);
        self.pickups.advance(time_ms);
        self.forget_stale_feeds(time_ms);
        self.lots_came(event);
        self.serials_named(event, time_ms);
        match event {
            Event::StockSettingsSet(set) => {
                let shelf = self.shelf(&set.node_id, &set.sku);
                shelf.buffer = set.buffer_milli;
                shelf.backorder_limit = set.backorder_limit_milli;
                shelf.flagged_out = set.flagged_out;
                shelf.percent = i64::from(set.buffer_percent);
                shelf.weeks = set.buffer_weeks_milli;
            }
            Event::SalesRateSet(set) => {
                self.shelf(&set.node_id, &set.sku).weekly = set.weekly_milli;
            }
            Event::ChannelDefined(channel) => {
                let mut numbers = |names: &[String]| -> Vec<u32> {
                    names.iter().map(|name| self.names.number(name)).collect()
                };
                let (nodes, groups) = (numbers(&channel.nodes), numbers(&channel.groups));
                let sells = Sells { nodes, groups };
                self.channels.insert(self.names.number(&channel.channel), sells);
            }
            Event::ItemDefined(item) => {
                self.item_defined(item);
                self.item_weighs(item);
            }
            Event::ChannelStockReserved(kept) => {
                let channel = self.names.number(&kept.channel);
                self.shelf(&kept.node_id, &kept.sku).reserve(channel, kept.quantity_milli);
            }
            Event::StockCounted(count) => {
                let as_of = if count.as_of_ms == 0 { time_ms } else { count.as_of_ms };
                let net = count.basis() == v1::CountBasis::NetOfOpenOrders;
                self.shelf(&count.node_id, &count.sku).counted(count.on_hand_milli, as_of, net);
            }
            Event::StockMoved(moved) => {
                self.shelf(&moved.node_id, &moved.sku).moved(on_hand_of(moved), time_ms);
            }
            Event::StockReceived(received) => {
                if received.into() != v1::StockBucket::Quarantine {
                    let shelf = self.shelf(&received.node_id, &received.sku);
                    shelf.moved(received.quantity_milli, time_ms);
                }
            }
            Event::TransferDispatched(transfer) => self.dispatched(transfer, time_ms),
            Event::TransferReceived(transfer) => self.transfer_received(transfer, time_ms),
            Event::TransferCancelled(transfer) => self.transfer_cancelled(transfer, time_ms),
            Event::PurchaseOrderIssued(issued) => self.purchase_issued(issued),
            Event::PurchaseOrderChanged(changed) => self.purchase_changed(changed),
            Event::PurchaseOrderHeld(held) => self.purchase_held(&held.purchase_order_id, true),
            Event::PurchaseOrderHoldReleased(released) => {
                self.purchase_held(&released.purchase_order_id, false);
            }
            Event::PurchaseOrderClosed(v1::PurchaseOrderClosed { purchase_order_id, .. })
            | Event::PurchaseOrderCancelled(v1::PurchaseOrderCancelled {
                purchase_order_id, ..
            }) => self.purchase_held(purchase_order_id, false),
            Event::PurchaseOrderAcknowledged(v1::PurchaseOrderAcknowledged {
                purchase_order_id,
                ..
            })
            | Event::ShipNoticeReceived(v1::ShipNoticeReceived { purchase_order_id, .. })
            | Event::SupplierInvoiceReleased(v1::SupplierInvoiceReleased {
                purchase_order_id,
                ..
            }) => self.known_purchase(purchase_order_id),
            Event::ReceiptBooked(receipt) => self.goods_received(receipt, time_ms),
            Event::ReceiptReversed(reversed) => self.goods_reversed(reversed, time_ms),
            Event::SupplierInvoiceReceived(bill) => self.billed(bill),
            Event::SupplierItemListed(listed) => self.item_listed(listed),
            Event::SupplierStockFed(fed) => self.supplier_fed(fed, time_ms),
            Event::StockAdjusted(delta) => {
                self.shelf(&delta.node_id, &delta.sku).moved(delta.delta_milli, time_ms);
            }
            Event::OrderPlaced(placed) => self.placed(event, placed),
            Event::OrderCancelled(cancelled) => self.cancelled(cancelled),
            Event::StockHeld(held) => self.soft_hold_asked(held, false),
            Event::FulfilmentRejected(rejected) => self.turned_down(rejected, time_ms),
            Event::FulfilmentShipped(shipped) => self.shipped(shipped, time_ms),
            Event::FulfilmentPicked(picked) => self.picked(picked),
            Event::FulfilmentShortPicked(missing) => self.short(missing, time_ms),
            Event::FulfilmentPacked(packed) => self.packed(packed),
            Event::FulfilmentReadyForPickup(ready) => self.ready(ready),
            Event::FulfilmentHandedOver(handed) => self.handed_over(handed, time_ms),
            Event::FulfilmentCollected(collected) => self.collected(collected, time_ms),
            Event::FulfilmentPickupExpired(expired) => self.not_collected(expired),
            Event::FulfilmentReturnedToStock(back) => self.back_in_stock(back, time_ms),
            Event::FulfilmentArrivedAtNode(reached) => self.reached_node(reached),
            Event::FulfilmentForwarded(forwarded) => self.forwarded(forwarded),
            Event::FulfilmentLost(lost) => self.given_up(lost.target.as_ref(), &lost.lines),
            Event::FulfilmentReturnedToOrigin(back) => {
                self.given_up(back.target.as_ref(), &back.lines);
            }
            Event::ReturnReceived(received) => self.received(received, time_ms),
            Event::ReturnInspected(inspected) => self.inspected(inspected, time_ms),
            Event::BlindReturnReceived(blind) => {
                if blind.disposition() == v1::Disposition::Restock {
                    self.shelf(&blind.node_id, &blind.sku).moved(blind.quantity_milli, time_ms);
                }
            }
            Event::ReturnExpired(expired) => self.return_expired(expired),
            Event::NodePaused(paused) => {
                let node = self.names.number(&paused.node_id);
                // One with an end works again when that has come: the checker has no clock.
                if paused.until_ms == 0 {
                    self.absent.insert(node);
                } else {
                    self.absent.remove(&node);
                }
            }
            Event::NodeOffboarded(gone) => {
                let node = self.names.number(&gone.node_id);
                self.absent.remove(&node);
                self.gone.insert(node);
            }
            Event::NodeResumed(resumed) => {
                self.absent.remove(&self.names.number(&resumed.node_id));
            }
            Event::NodeDefined(node) => {
                let ix = self.names.number(&node.node_id);
                self.gone.remove(&ix);
                self.groups.retain(|(member, _)| *member != ix);
                let groups = node.groups.iter().map(|group| (ix, self.names.number(group)));
                self.groups.extend(groups);
            }
            Event::PolicyActivated(policy) => self.policy_ruled(&policy.document),
            Event::PolicyRetired(_) => self.policy_ruled(""),
            Event::PricesPublished(prices) => self.priced(prices),
            Event::WaveClosed(wave) => self.wave_asked(wave),
            Event::MarkdownSet(markdown) => self.marked_down(markdown),
            Event::RulesActivated(_)
            | Event::NodeCalendarSet(_)
            | Event::OrderFeedback(_)
            | Event::TicketClosed(_)
            | Event::CarrierDefined(_)
            | Event::ReturnRequested(_)
            | Event::FulfilmentMoved(_)
            | Event::TrackingUpdated(_)
            | Event::ParcelHandedOn(_)
            | Event::NodeCapacitySet(_)
            | Event::PaymentRefunded(_)
            | Event::StockHoldReleased(_)
            | Event::FulfilmentAccepted(_)
            | Event::FulfilmentDelivered(_) => {}
            Event::MarketConfigured(_)
            | Event::OrderResumed(_)
            | Event::OrderChanged(_)
            | Event::OrderHeld(_)
            | Event::OrderHoldReleased(_)
            | Event::PaymentAuthorised(_)
            | Event::PaymentCaptured(_)
            | Event::PaymentFailed(_)
            | Event::PaymentVoided(_)
            | Event::FulfilmentReleaseConfirmed(_)
            | Event::FulfilmentReleaseRefused(_) => self.changed_order(event),
        }
    }

    pub(super) fn shelf(&mut self, node: &str, sku: &str) -> &mut super::shelves::Shelf {
        let (node, sku) = (self.names.number(node), self.names.number(sku));
        self.shelves.at(node, sku)
    }

    fn placed(&mut self, event: &Event, placed: &v1::OrderPlaced) {
        self.request(event, true);
        let key = pair_hash(&placed.channel, &placed.order_id);
        let name = format!("{}/{}", placed.channel, placed.order_id);
        self.touch(key, &name);
        let is_supplied = self.pickups.supplies(placed);
        let mut order = Order::placed(placed, is_supplied, &mut self.names);
        order.handling = Handling::placed(placed, self.rule());
        for row in &placed.substitutes {
            let line = self.names.number(&row.line_id);
            let skus = row.skus.iter().map(|sku| (line, self.names.number(sku)));
            order.substitutes.extend(skus);
        }
        self.serve_kits_as_parts(&mut order, 0);
        if self.orders.insert(key, order).is_some() {
            let detail = "the order was placed twice and the second was not refused";
            self.violation(Rule::OutcomeExtra, &name, detail);
        }
    }

    fn cancelled(&mut self, event: &v1::OrderCancelled) {
        let key = pair_hash(&event.channel, &event.order_id);
        let name = format!("{}/{}", event.channel, event.order_id);
        self.touch(key, &name);
        let lines = self.with_parts(key, &event.lines);
        let named = self.numbered(&lines);
        let Some(order) = self.orders.get_mut(&key) else {
            let detail = "cancelled, never placed, and the cancellation was not refused";
            return self.violation(Rule::UnknownSubject, &name, detail);
        };
        for line in 0..order.lines.len() {
            let row = order.lines[line];
            let left = row.ordered - row.cancelled - order.shipped(line) - order.asked(line);
            let asked = match named.iter().find(|(id, _)| *id == order.lines[line].line_id) {
                Some((_, 0)) => left,
                Some((_, units)) => *units,
                None if named.is_empty() => left,
                None => 0,
            };
            order.lines[line].cancelled += asked;
        }
    }

    /// The fulfilments that an event is about. `None`: it is about no order in the books.
    pub(super) fn target(
        &mut self,
        target: Option<&v1::FulfilmentTarget>,
    ) -> Option<(Key, Option<u32>)> {
        let (channel, order_id, number) = match target.and_then(|t| t.target.as_ref())? {
            Target::AnyNode(any) => (any.channel.as_str(), any.order_id.as_str(), None),
            Target::FulfilmentId(id) => {
                let (order, number) = id.rsplit_once("/f")?;
                let (channel, order_id) = order.split_once('/')?;
                (channel, order_id, Some(number.parse().ok()?))
            }
        };
        let key = pair_hash(channel, order_id);
        self.orders.contains_key(&key).then_some(())?;
        self.touch(key, &format!("{channel}/{order_id}"));
        Some((key, number))
    }

    fn turned_down(&mut self, event: &v1::FulfilmentRejected, time_ms: i64) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a rejection", "names nothing known");
        };
        let Some(order) = self.orders.get_mut(&key) else { return };
        // Summed first: the reason's effect is on a shelf, not on a line.
        let mut given_back: Vec<((u32, u32), i64)> = Vec::new();
        for number in order.rejectable(only) {
            let node = order.fulfilments[number as usize - 1].node;
            order.exclude(node);
            order.answer(number, true);
            for share in order.shares.iter_mut().filter(|share| share.fulfilment == number) {
                let shelf = (node, order.lines[share.line as usize].sku);
                let units = std::mem::take(&mut share.live);
                match given_back.iter_mut().find(|(other, _)| *other == shelf) {
                    Some((_, sum)) => *sum += units,
                    None => given_back.push((shelf, units)),
                }
            }
        }
        for ((node, sku), units) in given_back {
            self.shelves.at(node, sku).given_back(units, event.reason(), 0, time_ms);
        }
    }

    /// Units left their nodes.
    fn shipped(&mut self, event: &v1::FulfilmentShipped, time_ms: i64) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a shipment", "names nothing known");
        };
        let sendable = self.sendable(key);
        let left = self.shares_where(key, only, &event.lines, |order, share| {
            sendable(share, order.shares[share].live)
        });
        for (place, units) in left {
            self.share_left(key, place, units, time_ms);
        }
    }

    pub(super) fn share_left(&mut self, key: Key, place: usize, units: i64, time_ms: i64) {
        let Some(order) = self.orders.get_mut(&key) else { return };
        if order.is_fulfilment_held(order.shares[place].fulfilment) {
            self.violation(Rule::OnHold, "a shipment", "of units on hold, and not refused");
        }
        let Some(order) = self.orders.get_mut(&key) else { return };
        let share = &mut order.shares[place];
        share.live -= units;
        share.shipped += units;
        share.picked -= units.min(share.picked);
        share.asked = share.asked.min(share.live);
        let sku = order.lines[share.line as usize].sku;
        let node = order.fulfilments[share.fulfilment as usize - 1].node;
        self.shelves.at(node, sku).shipped(units, time_ms);
    }

    /// The shares that an event is about, with how many units of each: all that `available` says
    /// where it names no lines, and of a line where it names no quantity.
    pub(super) fn shares(
        &mut self,
        key: Key,
        only: Option<u32>,
        lines: &[v1::LineQuantity],
        available: impl Fn(&Share) -> i64,
    ) -> Vec<(usize, i64)> {
        self.shares_where(key, only, lines, |order, share| available(&order.shares[share]))
    }

    /// As [`Audit::shares`], by what the order says of the share at a place.
    pub(super) fn shares_where(
        &mut self,
        key: Key,
        only: Option<u32>,
        lines: &[v1::LineQuantity],
        available: impl Fn(&Order, usize) -> i64,
    ) -> Vec<(usize, i64)> {
        let lines = self.with_parts(key, lines);
        let mut named = self.numbered(&lines);
        let Some(order) = self.orders.get(&key) else { return Vec::new() };
        let mut found = Vec::new();
        for (place, share) in order.shares.iter().enumerate() {
            if only.is_some_and(|only| only != share.fulfilment) {
                continue;
            }
            let (line, there) = (order.lines[share.line as usize], available(order, place));
            let units = if named.is_empty() {
                there
            } else {
                match named.iter_mut().find(|(id, _)| *id == line.line_id) {
                    Some((_, 0)) => there,
                    Some((_, left)) => take_from(left, there),
                    None => 0,
                }
            };
            if units > 0 {
                found.push((place, units));
            }
        }
        found
    }
}

/// What a move does to the sellable units.
fn on_hand_of(event: &v1::StockMoved) -> i64 {
    let part = |bucket: v1::StockBucket, units: i64| {
        if bucket == v1::StockBucket::OnHand { units } else { 0 }
    };
    part(event.to(), event.quantity_milli) - part(event.from(), event.quantity_milli)
}

/// Takes units from what is left to take; -1 marks that nothing is, since 0 asks for all.
fn take_from(left: &mut i64, available: i64) -> i64 {
    let units = available.min(*left).max(0);
    *left -= units;
    if *left == 0 {
        *left = -1;
    }
    units
}

fn read(input: &Input<'_>, envelope: &Envelope<'_>) -> Result<Event, String> {
    let value = input.record.value.unwrap_or_default();
    let event = decode(envelope.type_name, envelope.content_type, value)
        .map_err(|error| error.to_string())?;
    if event.topic() != TopicKind::INPUTS[input.topic].name() {
        return Err(format!("{} does not belong on this topic", event.type_name()));
    }
    Ok(event)
}
