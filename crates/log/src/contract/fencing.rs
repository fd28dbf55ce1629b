//! One owner a market.

use std::slice::from_ref;

use super::Make;
use super::harness::{batch, new_topic, put, read_all, texts, unique};
use crate::{LogError, RecordBuf};

pub(super) fn a_new_owner_fences_the_one_before(make: Make<'_>) {
    let (here, there) = (make(), make());
    let topic = new_topic(here.as_ref());
    let market = unique("market");
    let mut first = here.owner(&market).expect("an owner");
    first.append(from_ref(&topic), &batch(["first"])).expect("appended");
    let mut second = there.owner(&market).expect("the next owner");
    second.append(from_ref(&topic), &batch(["second"])).expect("appended");
    let refused = first.append(from_ref(&topic), &batch(["void"])).expect_err("fenced");
    assert!(
        matches!(&refused, LogError::Fenced { market: named } if *named == market),
        "{refused}"
    );
    second.append(from_ref(&topic), &batch(["third"])).expect("the newer owner goes on");
    let seen = read_all(here.as_ref(), &topic, 3);
    assert_eq!(texts(&seen), ["first", "second", "third"]);
}

pub(super) fn what_a_fenced_owner_appended_is_never_seen(make: Make<'_>) {
    let log = make();
    let topics = [new_topic(log.as_ref()), new_topic(log.as_ref())];
    let market = unique("market");
    let mut first = log.owner(&market).expect("an owner");
    let _second = log.owner(&market).expect("the next owner");
    let mut void = RecordBuf::default();
    for n in 0..1_000 {
        put(&mut void, n % 2, "void");
    }
    first.append(&topics, &void).expect_err("fenced");
    first.append(&topics, &void).expect_err("fenced for good");
    drop(first);
    for topic in &topics {
        read_all(log.as_ref(), topic, 0);
    }
}

pub(super) fn owners_of_other_markets_are_left_alone(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut here = log.owner(&unique("market")).expect("an owner");
    let mut there = log.owner(&unique("market")).expect("an owner");
    for _ in 0..2 {
        here.append(from_ref(&topic), &batch(["here"])).expect("appended");
        there.append(from_ref(&topic), &batch(["there"])).expect("appended");
    }
    let seen = read_all(log.as_ref(), &topic, 4);
    assert_eq!(texts(&seen), ["here", "there", "here", "there"]);
}
