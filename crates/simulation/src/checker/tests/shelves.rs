//! What is on a shelf, and what may be promised of it.

use super::*;

#[test]
fn a_promise_without_stock_is_noticed() {
    breaks(Rule::Oversold, |story| story.inputs[1].2 = count("A", "S", 2).into());
    // Enough in the network is not enough at the node.
    breaks(Rule::Oversold, |story| {
        change_assigned(story, "O2", 2, |message| message.node_id = "A".to_owned());
        let place = about(story, "O2", 2);
        story.decided[place].node = Some("A".to_owned());
    });
}

#[test]
fn what_a_rejection_takes_off_the_shelf_is_not_there_to_promise() {
    // Of ten, a mismatch of three leaves seven.
    let sold = |units: i64| {
        let mut story = story();
        let step = story.input(order("O8", &[("S", units)]));
        story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", units)])));
        report(&story)
    };
    assert!(sold(7).is_clean());
    assert_eq!(sold(8).violations[0].rule, Rule::Oversold);
}

#[test]
fn shipped_units_are_gone_and_cancelled_ones_are_back() {
    // B held ten; two were shipped, one came back by cancellation.
    let sold = |units: i64| {
        let mut story = story();
        let step = story.input(order("O8", &[("S", units)]));
        story.decide(Output::Assigned(whole("O8", step, "B", &[("1", "S", units)])));
        report(&story)
    };
    assert!(sold(8).is_clean());
    assert_eq!(sold(9).violations[0].rule, Rule::Oversold);
}

#[test]
fn a_buffer_is_kept_back_and_a_backorder_limit_may_be_promised() {
    let sold = |settings: v1::StockSettingsSet, units: i64, backordered: i64| {
        let mut story = story();
        let (node_id, sku) = ("B".to_owned(), "T".to_owned());
        story.input(v1::StockSettingsSet { node_id, sku, ..settings });
        let step = story.input(order("O8", &[("T", units)]));
        let mut message = whole("O8", step, "B", &[("1", "T", units)]);
        message.lines[0].backordered_milli = backordered;
        story.decide(Output::Assigned(message));
        report(&story)
    };
    // B holds five.
    let buffer = v1::StockSettingsSet { buffer_milli: 2, ..Default::default() };
    assert!(sold(buffer.clone(), 3, 0).is_clean());
    assert_eq!(sold(buffer, 4, 0).violations[0].rule, Rule::Oversold);
    let limit = v1::StockSettingsSet { backorder_limit_milli: 2, ..Default::default() };
    assert!(sold(limit.clone(), 7, 2).is_clean());
    assert_eq!(sold(limit.clone(), 8, 3).violations[0].rule, Rule::Oversold);
    assert_eq!(sold(limit, 7, 0).violations[0].rule, Rule::Oversold);
    let flagged = v1::StockSettingsSet { flagged_out: true, ..Default::default() };
    assert_eq!(sold(flagged, 1, 0).violations[0].rule, Rule::Oversold);
}

#[test]
fn a_movement_that_the_count_saw_is_not_booked_again() {
    let sold = |units: i64| {
        let mut story = story();
        story.input(count("A", "S", 20));
        let late = story.inputs.len() as i64 * STEP_MS - 10;
        story.inputs.push(("late".to_owned(), late, adjust("A", "S", -5).into()));
        let step = story.input(order("O8", &[("S", units)]));
        story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", units)])));
        report(&story)
    };
    assert!(sold(20).is_clean(), "{}", sold(20));
    assert_eq!(sold(21).violations[0].rule, Rule::Oversold);
}

#[test]
fn what_came_after_a_counts_instant_is_added_to_it() {
    let sold = |units: i64, net: bool| {
        let mut story = story();
        let as_of_ms = story.inputs.len() as i64 * STEP_MS + 1;
        story.input(adjust("A", "S", 4));
        let basis = if net { v1::CountBasis::NetOfOpenOrders } else { v1::CountBasis::Physical };
        let basis = basis.into();
        story.input(v1::StockCounted { as_of_ms, basis, ..count("A", "S", 1) });
        let step = story.input(order("O8", &[("S", units)]));
        story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", units)])));
        report(&story)
    };
    for net in [false, true] {
        assert!(sold(5, net).is_clean(), "{}", sold(5, net));
        assert_eq!(sold(6, net).violations[0].rule, Rule::Oversold);
    }
}

#[test]
fn a_transfer_takes_its_units_from_one_shelf_and_brings_them_to_the_other() {
    let sold = |node: &str, units: i64| {
        let mut story = story();
        story.input(count("A", "S", 10));
        story.input(count("B", "S", 0));
        let line = v1::TransferLine { sku: "S".into(), quantity_milli: 4, ..Default::default() };
        let lines = vec![line];
        story.input(v1::TransferDispatched {
            transfer_id: "T".into(),
            from_node: "A".into(),
            to_node: "B".into(),
            lines,
            ..Default::default()
        });
        let (quantity_milli, damaged_milli) = (2, 1);
        let line = v1::TransferReceipt {
            sku: "S".into(),
            quantity_milli,
            damaged_milli,
            ..Default::default()
        };
        let (transfer_id, lines) = ("T".to_owned(), vec![line]);
        story.input(v1::TransferReceived { transfer_id, lines, ..Default::default() });
        story.input(v1::TransferCancelled { transfer_id: "T".into(), ..Default::default() });
        let step = story.input(order("O8", &[("S", units)]));
        story.decide(Output::Assigned(whole("O8", step, node, &[("1", "S", units)])));
        report(&story)
    };
    for (node, units) in [("A", 7), ("B", 2)] {
        assert!(sold(node, units).is_clean(), "{}", sold(node, units));
        assert_eq!(sold(node, units + 1).violations[0].rule, Rule::Oversold);
    }
}

#[test]
fn what_is_reserved_for_another_channel_is_not_there_to_promise() {
    let sold = |channel: &str, units: i64| {
        let mut story = story();
        story.input(v1::ChannelStockReserved {
            channel: channel.to_owned(),
            node_id: "A".to_owned(),
            sku: "S".to_owned(),
            quantity_milli: 3,
            ..Default::default()
        });
        let step = story.input(order("O8", &[("S", units)]));
        story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", units)])));
        report(&story)
    };
    // Seven are there.
    assert!(sold("other", 4).is_clean());
    assert_eq!(sold("other", 5).violations[0].rule, Rule::Oversold);
    assert!(sold("web", 7).is_clean());
}

#[test]
fn a_channel_of_a_group_sells_from_its_members_only() {
    let sold = |group: &str| {
        let mut story = story();
        let (node_id, groups) = ("A".to_owned(), vec!["stores".to_owned()]);
        story.input(v1::NodeDefined { node_id, groups, ..Default::default() });
        let (channel, groups) = ("web".to_owned(), vec![group.to_owned()]);
        story.input(v1::ChannelDefined { channel, groups, ..Default::default() });
        let step = story.input(order("O8", &[("S", 1)]));
        story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", 1)])));
        report(&story)
    };
    assert!(sold("stores").is_clean());
    assert_eq!(sold("outlets").violations[0].rule, Rule::NodeNotAllowed);
}
