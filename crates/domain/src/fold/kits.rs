//! Events that speak of kits: a kit is named by its line, and stands for the lines of its parts.

use std::borrow::Cow;

use omnifold_events::v1;

use super::check;
use super::subject::{Move, line_of};
use crate::kit::UNIT_MILLI;
use crate::{Component, Item, Kit, KitLine, Order, Reason, Refusal, SkuIx, State};

/// Most parts of a kit.
const MAX_COMPONENTS: usize = 50;
/// Most kits that an item may be a part of: each is told of when its stock changes.
const MAX_KITS: usize = 1_000;

/// The kit that an item is to be, or none.
pub(super) fn kit_from<S: State>(
    state: &S,
    event: &v1::ItemDefined,
) -> Result<Option<Box<Kit>>, Refusal> {
    if event.components.is_empty() {
        return Ok(None);
    }
    check_kit(state, event)?;
    let mut components: Vec<Component> = Vec::with_capacity(event.components.len());
    for part in &event.components {
        let sku = check::sku(state, &part.sku)?;
        let item = state.item(sku);
        check::quantity("quantity in the kit", part.quantity_milli, 1, item)?;
        let twice = components.iter().any(|known| known.sku == sku);
        let is_kit = item.kit.is_some() || item.sku == event.sku;
        let parts_of = item.part_of.iter().filter(|kit| state.item(**kit).sku != event.sku);
        if twice || is_kit || parts_of.count() >= MAX_KITS {
            let detail = format!(
                "`{}` is a kit, stands twice, or is a part of {MAX_KITS} kits already",
                part.sku
            );
            return Err(Refusal::new(Reason::InvalidKit, detail));
        }
        components.push(Component { sku, quantity: part.quantity_milli });
    }
    let assembled_first = event.picking() == v1::KitPicking::AssembledFirst;
    Ok(Some(Box::new(Kit { components, assembled_first, may_split: event.may_split })))
}

fn check_kit<S: State>(state: &S, event: &v1::ItemDefined) -> Result<(), Refusal> {
    let known = state.item_named(&event.sku).map(|sku| state.item(sku));
    let fault = if event.components.len() > MAX_COMPONENTS {
        format!("kit `{}` has more than {MAX_COMPONENTS} parts", event.sku)
    } else if event.scale != 0 {
        format!("kit `{}` is sold in parts of a unit (scale {})", event.sku, event.scale)
    } else if known.is_some_and(|item| !item.part_of.is_empty()) {
        format!("`{}` is a part of a kit and cannot be one", event.sku)
    } else {
        return Ok(());
    };
    Err(Refusal::new(Reason::InvalidKit, fault))
}

/// Parts know their kits: what a part's stock does, the kit's availability does too.
pub(super) fn link_parts<S: State>(state: &mut S, kit: SkuIx, old: Option<&Kit>) {
    let new = state.item(kit).kit.clone();
    let parts = |kit: Option<&Kit>| -> Vec<SkuIx> {
        kit.iter().flat_map(|kit| &kit.components).map(|part| part.sku).collect()
    };
    let (before, after) = (parts(old), parts(new.as_deref()));
    for &part in before.iter().filter(|part| !after.contains(part)) {
        change_links(state, part, |kits| kits.retain(|other| *other != kit));
    }
    for &part in after.iter().filter(|part| !before.contains(part)) {
        change_links(state, part, |kits| kits.push(kit));
    }
}

fn change_links<S: State>(state: &mut S, part: SkuIx, change: impl FnOnce(&mut Vec<SkuIx>)) {
    let mut row: Item = state.item(part).clone();
    change(&mut row.part_of);
    row.part_of.sort_unstable();
    state.put_item(part, row);
}

/// Replaces the lines of kits that are never stocked as themselves by lines of their parts.
pub(super) fn resolve<S: State>(
    state: &S,
    order: &mut Order,
    from_line: usize,
) -> Result<(), Refusal> {
    for place in from_line..order.lines.len() {
        let line = &order.lines[place];
        let Some(kit) = state.item(line.sku).kit.as_deref() else { continue };
        check_parts(state, order, place, kit)?;
        if !kit.assembled_first {
            order.serve_as_parts(state, place);
        }
    }
    super::orders::check_line_count(order.lines.len())
}

/// Whether the line could be served as parts: their names are free, and their quantities fit.
fn check_parts<S: State>(state: &S, order: &Order, place: usize, kit: &Kit) -> Result<(), Refusal> {
    let line = &order.lines[place];
    if !kit.fits(line.ordered) {
        let detail = format!("the parts of line `{}` are too many units", line.line_id);
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    for part in &kit.components {
        let name = format!("{}/{}", line.line_id, state.item(part.sku).sku);
        check::name("line_id of a kit's part", &name)?;
        if order.line_named(&name).is_some() {
            let detail = format!("line `{name}` has the name of a part of line `{}`", line.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
    }
    Ok(())
}

/// A row of an event that names a line and units of it.
pub(super) trait LineUnits: Clone {
    fn line_id(&self) -> &str;
    fn units(&self) -> i64;
    /// The same of another line.
    fn with(&self, line_id: &str, units: i64) -> Self;
}

macro_rules! line_units {
    ($row:ty $(, without $field:ident)?) => {
        impl LineUnits for $row {
            fn line_id(&self) -> &str {
                &self.line_id
            }

            fn units(&self) -> i64 {
                self.quantity_milli
            }

            fn with(&self, line_id: &str, units: i64) -> Self {
                let mut other = self.clone();
                other.line_id = line_id.to_owned();
                other.quantity_milli = units;
                $(other.$field.clear();)?
                other
            }
        }
    };
}

line_units!(v1::LineQuantity);
line_units!(v1::ReturnLine);
// Which of its parts a serial number of a kit is of nobody says.
line_units!(v1::ReceivedLine, without serials);

/// The lines that an event names, each kit by the lines of its parts.
pub(super) fn with_parts<'l, L: LineUnits>(
    order: &Order,
    lines: &'l [L],
) -> Result<Cow<'l, [L]>, Refusal> {
    if order.kits().is_empty() {
        return Ok(Cow::Borrowed(lines));
    }
    let mut named = Vec::with_capacity(lines.len());
    for line in lines {
        match order.kits().iter().find(|kit| kit.line_id == line.line_id()) {
            None => named.push(line.clone()),
            Some(kit) => add_parts(order, kit, line, &mut named)?,
        }
    }
    Ok(Cow::Owned(named))
}

fn add_parts<L: LineUnits>(
    order: &Order,
    kit: &KitLine,
    line: &L,
    named: &mut Vec<L>,
) -> Result<(), Refusal> {
    let kits = line.units();
    for part in &kit.parts {
        let units = (kits / UNIT_MILLI).checked_mul(part.per_kit);
        let Some(units) = units.filter(|_| kits % UNIT_MILLI == 0) else {
            let detail = format!("line `{}` is a kit: {kits} milli-units of it", kit.line_id);
            return Err(Refusal::new(Reason::InvalidQuantity, detail));
        };
        named.push(line.with(&order.lines[part.line as usize].line_id, units));
    }
    Ok(())
}

/// As [`with_parts`], for what customers say: they know whole kits only.
pub(super) fn of_customer<'l, L: LineUnits>(
    order: &Order,
    lines: &'l [L],
) -> Result<Cow<'l, [L]>, Refusal> {
    let is_part = |line: &&L| {
        let place = order.line_named(line.line_id());
        place.is_some_and(|place| order.kit_of(place).is_some())
    };
    if order.kits().is_empty() {
        return Ok(Cow::Borrowed(lines));
    }
    if let Some(line) = lines.iter().find(is_part) {
        let detail = format!("line `{}` is a part of a kit; name the kit's line", line.line_id());
        return Err(Refusal::new(Reason::PartOfKit, detail));
    }
    with_parts(order, lines)
}

/// Units of the other parts that lie at the same node for kits which miss a part now: they are
/// given back with it.
pub(super) fn left_incomplete(order: &Order, missing: &[Move]) -> Vec<Move> {
    let mut freed = Vec::new();
    for kit in order.kits().iter().filter(|kit| !kit.may_split) {
        for place in super::fulfilment::places(missing) {
            free_parts(order, kit, place, missing, &mut freed);
        }
    }
    freed
}

fn free_parts(order: &Order, kit: &KitLine, place: usize, missing: &[Move], freed: &mut Vec<Move>) {
    let gone = |line: u32| -> i64 {
        let of_it = |step: &&Move| step.fulfilment == place && line_of(order, step).line == line;
        missing.iter().filter(of_it).map(|step| step.units).sum()
    };
    let broken = |part: &crate::KitPart| (gone(part.line) + part.per_kit - 1) / part.per_kit;
    let broken = kit.parts.iter().map(broken).max().unwrap_or(0);
    for part in &kit.parts {
        let rows = &order.fulfilments[place].lines;
        let Some(line) = rows.iter().position(|row| row.line == part.line) else { continue };
        let gone = gone(part.line);
        let units = (broken * part.per_kit - gone).min(rows[line].allocated - gone);
        if units > 0 {
            freed.push(Move { fulfilment: place, line, units });
        }
    }
}

/// Kits go to another node whole.
pub(super) fn check_whole(order: &Order, moves: &[Move]) -> Result<(), Refusal> {
    let units = |line: u32| -> i64 {
        let of_it = |step: &&Move| line_of(order, step).line == line;
        moves.iter().filter(of_it).map(|step| step.units).sum()
    };
    for kit in order.kits().iter().filter(|kit| !kit.may_split) {
        let kits = kit.kits_of(|line| units(line as u32));
        if kit.parts.iter().any(|part| units(part.line) != kits * part.per_kit) {
            let detail = format!("line `{}` is a kit, and a part of it would go", kit.line_id);
            return Err(Refusal::new(Reason::PartOfKit, detail));
        }
    }
    Ok(())
}

/// Keeps what the customer takes in place of the lines' own SKUs.
pub(super) fn add_substitutes<S: State>(
    state: &S,
    order: &mut Order,
    rows: &[v1::LineSubstitutes],
) -> Result<(), Refusal> {
    /// Most substitutes of a line: each is tried in the step that lacks its units.
    const MAX_SUBSTITUTES: usize = 10;
    for row in rows {
        let place = super::orders::line_place(order, &row.line_id)?;
        let mut skus: Vec<SkuIx> = Vec::with_capacity(row.skus.len());
        for name in &row.skus {
            let sku = check::sku(state, name)?;
            let line = &order.lines[place];
            let in_steps = line.ordered % state.item(sku).step_milli() == 0;
            let known = sku == line.sku || skus.contains(&sku);
            if known || state.item(sku).kit.is_some() || !in_steps {
                let detail = format!("`{name}` cannot stand in for line `{}`", row.line_id);
                return Err(Refusal::new(Reason::InvalidSubstitute, detail));
            }
            skus.push(sku);
        }
        if skus.len() > MAX_SUBSTITUTES || order.substitutes(place).is_some() {
            let detail = format!("too many substitutes for line `{}`", row.line_id);
            return Err(Refusal::new(Reason::InvalidSubstitute, detail));
        }
        let (line, ordered) = (place as u32, None);
        let details = order.details.get_or_insert_default();
        details.substitutes.push(crate::Substitutes { line, skus, ordered });
    }
    Ok(())
}

/// The kits of an order that another one replaces line by line.
pub(crate) fn same_kits(order: &Order, replacing: &mut Order) {
    for kit in order.kits() {
        let mut same = kit.clone();
        let found = same.parts.iter_mut().all(|part| {
            let name = &order.lines[part.line as usize].line_id;
            let place = replacing.line_named(name);
            part.line = place.unwrap_or_default() as u32;
            place.is_some()
        });
        if found {
            replacing.details.get_or_insert_default().kits.push(same);
        }
    }
}
