//! What units under way between two nodes are known by: lots and serial numbers travel with them.

use omnifold_events::v1;

use super::booking::Shelf;
use super::lots::{self, Side};
use super::serials::{self, Units};
use super::{Context, check};
use crate::serials as books;
use crate::{
    LotId, NodeIx, Reason, Refusal, SerialEvent, SerialKey, SerialPlace, SkuIx, State, Transfer,
    TransferKey, Work, whole_units,
};

/// What leaves with a transfer.
pub(super) struct Load {
    lots: Vec<(SkuIx, LotId, i64)>,
    serials: Vec<Units>,
}

impl Load {
    /// What the lines name, and of the rest what leaves first.
    pub(super) fn of<S: State>(
        state: &mut S,
        context: Context<'_>,
        transfer: &Transfer,
        lines: &[v1::TransferLine],
    ) -> Result<Load, Refusal> {
        let mut load = Load { lots: Vec::new(), serials: Vec::new() };
        let node = transfer.from;
        for &(sku, units) in &transfer.under_way {
            let of_sku = |line: &&v1::TransferLine| state.item_named(&line.sku) == Some(sku);
            let of_sku: Vec<&v1::TransferLine> = lines.iter().filter(of_sku).collect();
            let named: Vec<_> = of_sku.iter().flat_map(|line| line.lots.clone()).collect();
            let taken = lots::leaving(state, Shelf { sku, node }, &named, units)?;
            load.lots.extend(taken.into_iter().map(|(lot, units)| (sku, lot, units)));
            let named: Vec<_> = of_sku.iter().flat_map(|line| line.serials.clone()).collect();
            let serials = serials::read(state, sku, &named, units)?;
            serials.check_at(state, &SerialPlace::OnHand(node), context.time_ms)?;
            load.serials.push(serials);
        }
        Ok(load)
    }

    /// Before the units are booked.
    pub(super) fn take_out<S: State>(&self, state: &mut S, context: Context<'_>, node: NodeIx) {
        for (sku, lot, units) in &self.lots {
            lots::take_out(state, Shelf { sku: *sku, node }, lot, *units, Side::OnHand);
        }
        self.serials.iter().for_each(|units| units.lift(state, context.time_ms));
    }

    /// The lots under way: what expires first stands first.
    pub(super) fn lots(&self) -> Vec<(SkuIx, LotId, i64)> {
        let mut sums: Vec<(SkuIx, LotId, i64)> = Vec::new();
        for (sku, lot, units) in &self.lots {
            match sums.iter_mut().find(|row| (row.0, &row.1) == (*sku, lot)) {
                Some(row) => row.2 += units,
                None => sums.push((*sku, lot.clone(), *units)),
            }
        }
        sums.sort_by(|a, b| (a.0, a.1.place()).cmp(&(b.0, b.1.place())));
        sums
    }

    /// Once the transfer is under way.
    pub(super) fn go<S: State>(&self, state: &mut S, context: Context<'_>, id: &str) {
        let place = SerialPlace::InTransit(id.to_owned());
        for units in &self.serials {
            units.land(state, &place, SerialEvent::Dispatched, context.time_ms);
        }
    }
}

/// Units of one SKU that reach a node, and what was said of them.
pub(super) struct Arriving<'a> {
    pub sku: SkuIx,
    pub good: i64,
    pub damaged: i64,
    pub said: Option<&'a v1::TransferReceipt>,
}

/// What units that come off a transfer are known by.
#[derive(Default)]
pub(super) struct Cargo {
    /// Of the sellable units, those of a lot that expired on its way.
    pub expired: i64,
    /// Units of lots, as the shelf they come to knows them.
    lots: Vec<(LotId, i64, Side)>,
    /// What the transfer loses of its lots.
    taken: Vec<(SkuIx, LotId, i64)>,
    /// Serial numbers of sellable units, and of those for quarantine.
    serials: Vec<(Units, Side)>,
    by: Option<SerialEvent>,
}

impl Cargo {
    pub(super) fn arriving<S: State>(
        state: &mut S,
        context: Context<'_>,
        transfer: &Transfer,
        units: &Arriving<'_>,
    ) -> Result<Cargo, Refusal> {
        let mut cargo = Cargo { by: Some(SerialEvent::Arrived), ..Cargo::default() };
        cargo.add_lots(state, context, transfer, units)?;
        cargo.add_serials(state, transfer, units)?;
        Ok(cargo)
    }

    /// Lots that are named of the sellable units; of the rest, and then of the damaged ones, what is
    /// under way.
    fn add_lots<S: State>(
        &mut self,
        state: &mut S,
        context: Context<'_>,
        transfer: &Transfer,
        units: &Arriving<'_>,
    ) -> Result<(), Refusal> {
        let shelf = Shelf { sku: units.sku, node: transfer.to };
        let mut rest = UnderWay::of(transfer, units.sku);
        let mut good = Vec::new();
        let mut left = units.good;
        for row in units.said.map_or(&[][..], |line| &line.lots) {
            check::quantity("units of a lot", row.quantity_milli, 1, state.item(units.sku))?;
            let lot = lots::lot_from(state, shelf.node, &row.lot, &row.expires_on)?;
            let unnamed = || Refusal::new(Reason::InvalidIdentifier, "a lot has no name");
            let lot = lot.ok_or_else(unnamed)?;
            left -= row.quantity_milli;
            let lot = rest.take_named(&lot, row.quantity_milli);
            good.push((lot, row.quantity_milli));
        }
        if left < 0 {
            let detail = format!("the lots are more than {} milli-units", units.good);
            return Err(Refusal::new(Reason::LotsExceedUnits, detail));
        }
        good.extend(rest.take(left));
        let damaged = rest.take(units.damaged);
        self.taken = rest.taken;
        for (lot, units) in good {
            self.add_lot(state, context, shelf, &lot, (units, Side::OnHand));
        }
        for (lot, units) in damaged {
            self.add_lot(state, context, shelf, &lot, (units, Side::Quarantine));
        }
        Ok(())
    }

    fn add_lot<S: State>(
        &mut self,
        state: &mut S,
        context: Context<'_>,
        shelf: Shelf,
        lot: &LotId,
        (units, side): (i64, Side),
    ) {
        let known = lots::arriving(state, shelf, lot);
        let is_over = known.as_ref().unwrap_or(lot).is_expired(context.now_ms);
        let expired = side == Side::OnHand && is_over;
        self.expired += if expired { units } else { 0 };
        let side = if expired { Side::Quarantine } else { side };
        self.lots.extend(known.map(|lot| (lot, units, side)));
    }

    fn add_serials<S: State>(
        &mut self,
        state: &mut S,
        transfer: &Transfer,
        units: &Arriving<'_>,
    ) -> Result<(), Refusal> {
        let (good, damaged) = units
            .said
            .map_or((&[][..], &[][..]), |line| (&line.serials[..], &line.damaged_serials[..]));
        let mut good = serials::read(state, units.sku, good, units.good)?;
        let damaged = serials::read(state, units.sku, damaged, units.damaged)?;
        let both = [good.named.clone(), damaged.named.clone()].concat();
        Units { sku: units.sku, named: both }.check_distinct()?;
        let under_way = transfer.under_way.iter().find(|row| row.0 == units.sku);
        let whole = under_way.is_some_and(|row| row.1 == units.good) && units.damaged == 0;
        if whole && good.is_empty() {
            good = serials::of_keys(state, units.sku, &serials_of(transfer, units.sku));
        }
        good.check_room(state, &SerialPlace::OnHand(transfer.to))?;
        damaged.check_room(state, &SerialPlace::Quarantine(transfer.to))?;
        self.serials = vec![(good, Side::OnHand), (damaged, Side::Quarantine)];
        Ok(())
    }

    /// All of a SKU that is under way comes back to where it left.
    pub(super) fn recalled<S: State>(
        state: &mut S,
        context: Context<'_>,
        transfer: &Transfer,
        shelf: Shelf,
    ) -> Cargo {
        let mut cargo = Cargo { by: Some(SerialEvent::Recalled), ..Cargo::default() };
        for (_, lot, units) in transfer.lots.iter().filter(|row| row.0 == shelf.sku) {
            cargo.add_lot(state, context, shelf, lot, (*units, Side::OnHand));
        }
        let serials = serials::of_keys(state, shelf.sku, &serials_of(transfer, shelf.sku));
        cargo.serials = vec![(serials, Side::OnHand)];
        cargo
    }

    /// What arrived is under way no more.
    pub(super) fn settle(&self, transfer: &mut Transfer) {
        for (sku, lot, units) in &self.taken {
            for row in transfer.lots.iter_mut().filter(|row| (row.0, &row.1) == (*sku, lot)) {
                row.2 -= units;
            }
        }
        transfer.lots.retain(|row| row.2 > 0);
    }

    /// Once the units are booked.
    pub(super) fn put_in<S: State>(
        self,
        state: &mut S,
        context: Context<'_>,
        shelf: Shelf,
        id: &str,
        work: &mut Vec<Work>,
    ) {
        for (lot, units, side) in &self.lots {
            lots::put_in(state, shelf, lot, *units, *side);
        }
        let sent = SerialPlace::InTransit(id.to_owned());
        let by = self.by.unwrap_or(SerialEvent::Arrived);
        let mut told = Vec::new();
        for (units, side) in &self.serials {
            let place = match side {
                Side::OnHand => SerialPlace::OnHand(shelf.node),
                Side::Quarantine => SerialPlace::Quarantine(shelf.node),
            };
            told.extend(units.compare(state, context.time_ms, |known| match known {
                Some(known) if *known == sent => None,
                known => serials::seen_elsewhere(known, &place),
            }));
            let at_ms = sent_after(state, units, &sent).max(context.time_ms);
            units.go(state, &place, by, at_ms);
        }
        serials::tell(state, shelf, id.to_owned(), told, work);
    }
}

/// The newest instant at which any of these left with a transfer: they arrived after it.
fn sent_after<S: State>(state: &mut S, units: &Units, sent: &SerialPlace) -> i64 {
    let mut newest = 0;
    for key in units.keys() {
        let stop = state.serial(key).map(|row| row.newest().clone());
        newest = stop.filter(|stop| stop.place == *sent).map_or(newest, |s| s.at_ms.max(newest));
    }
    newest
}

fn serials_of(transfer: &Transfer, sku: SkuIx) -> Vec<SerialKey> {
    let of_sku = transfer.serials.iter().filter(|row| row.0 == sku);
    of_sku.map(|row| row.1).collect()
}

/// Units of one SKU under way, while they are divided.
struct UnderWay {
    sku: SkuIx,
    /// Units of no lot.
    plain: i64,
    lots: Vec<(LotId, i64)>,
    taken: Vec<(SkuIx, LotId, i64)>,
}

impl UnderWay {
    fn of(transfer: &Transfer, sku: SkuIx) -> Self {
        let all = transfer.under_way.iter().find(|row| row.0 == sku).map_or(0, |row| row.1);
        let of_sku = transfer.lots.iter().filter(|row| row.0 == sku);
        let lots: Vec<(LotId, i64)> = of_sku.map(|row| (row.1.clone(), row.2)).collect();
        let plain = all - lots.iter().map(|row| row.1).sum::<i64>();
        UnderWay { sku, plain, lots, taken: Vec::new() }
    }

    /// Takes units of a lot by its name, as far as they are under way; what else came of it was not
    /// known to be. Returns the lot as it left, where it did.
    fn take_named(&mut self, lot: &LotId, units: i64) -> LotId {
        let Some(row) = self.lots.iter_mut().find(|row| row.0.name == lot.name) else {
            self.plain = (self.plain - units).max(0);
            return lot.clone();
        };
        let known = units.min(row.1);
        row.1 -= known;
        let found = row.0.clone();
        self.plain = (self.plain - (units - known)).max(0);
        self.taken.push((self.sku, found.clone(), known));
        found
    }

    /// Units that were not named: of no lot as long as there are any, then of what expires first.
    fn take(&mut self, units: i64) -> Vec<(LotId, i64)> {
        let plain = units.min(self.plain);
        self.plain -= plain;
        let mut missing = units - plain;
        let mut found = Vec::new();
        for row in &mut self.lots {
            let units = row.1.min(missing);
            if units > 0 {
                (row.1, missing) = (row.1 - units, missing - units);
                self.taken.push((self.sku, row.0.clone(), units));
                found.push((row.0.clone(), units));
            }
        }
        found
    }
}

/// What is left of a transfer's serial numbers once units arrived or were given up: no more under way
/// than units, and none where nothing is under way any more. Those of units that were written off are
/// written off; others came unnamed.
pub(super) fn settle<S: State>(
    state: &mut S,
    context: Context<'_>,
    was: &Transfer,
    written_off: &[(SkuIx, i64)],
) {
    let sent = SerialPlace::InTransit(was.id.clone());
    let open = state.transfer(TransferKey::of(&was.id)).map(|row| row.under_way.clone());
    let mut skus: Vec<SkuIx> = was.serials.iter().map(|row| row.0).collect();
    skus.sort_unstable();
    skus.dedup();
    for sku in skus {
        let mut left = serials_of(was, sku);
        left.retain(|&key| state.serial(key).is_some_and(|row| row.newest().place == sent));
        let rows = open.as_deref().unwrap_or(written_off);
        let units = rows.iter().find(|row| row.0 == sku).map_or(0, |row| row.1);
        let rest = left.split_off(left.len().saturating_sub(whole_units(units)));
        books::lose_sight(state, &left, was.to, (SerialEvent::Presumed, context.time_ms));
        if open.is_none() && !rest.is_empty() {
            let (units, at_ms) =
                (serials::of_keys(state, sku, &rest), newest(state, context, &rest));
            units.go(state, &SerialPlace::WrittenOff(was.from), SerialEvent::Lost, at_ms);
        }
    }
}

/// The event's time, and never before the stops of the units that it is about.
fn newest<S: State>(state: &mut S, context: Context<'_>, keys: &[SerialKey]) -> i64 {
    let stops = keys.iter().filter_map(|&key| state.serial(key).map(|row| row.newest().at_ms));
    stops.fold(context.time_ms, i64::max)
}
