//! What an order tells policies to choose by.

use omnifold_events::v1;

use super::check;
use crate::policy::plain_postcode;
use crate::{Order, OrderClass, Refusal, Settings};

/// The class of a new order. Most orders have none.
pub(super) fn class_of(
    settings: &Settings,
    event: &v1::OrderPlaced,
) -> Result<Option<Box<OrderClass>>, Refusal> {
    if event.class.is_none() && !asks_place(settings) {
        return Ok(None);
    }
    let told = event.class.as_deref().cloned().unwrap_or_default();
    for (what, code) in [
        ("seller_id", &told.seller_id),
        ("order_type", &told.order_type),
        ("customer_segment", &told.customer_segment),
    ] {
        if !code.is_empty() {
            check::name(what, code)?;
        }
    }
    let mut class = OrderClass {
        seller: told.seller_id,
        order_type: told.order_type,
        segment: told.customer_segment,
        ..OrderClass::default()
    };
    if let Some(to) = event.destination.as_ref().filter(|_| asks_place(settings)) {
        set_place(&mut class, to);
    }
    Ok((class != OrderClass::default()).then(|| Box::new(class)))
}

/// The order goes elsewhere.
pub(super) fn move_to(settings: &Settings, order: &mut Order, to: &v1::Destination) {
    let knew_place = order.class().is_some_and(|class| !class.country.is_empty());
    if knew_place || asks_place(settings) {
        let class = &mut order.details.get_or_insert_default().class;
        set_place(class.get_or_insert_default(), to);
    }
}

/// Places cost memory, so they are kept only where somebody asks.
fn asks_place(settings: &Settings) -> bool {
    settings.policy.as_ref().is_some_and(|policy| policy.asks_place)
}

fn set_place(class: &mut OrderClass, to: &v1::Destination) {
    class.country.clone_from(&to.country);
    class.postcode = plain_postcode(&to.postcode_area);
}
