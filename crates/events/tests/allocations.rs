//! The hot path allocates for the message and for nothing else.
#![allow(unsafe_code)] // counting allocations needs an allocator of our own

mod examples;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use omnifold_events::{ContentType, Envelope, Event, decode, v1};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATIONS.get();
    let result = work();
    (ALLOCATIONS.get() - before, result)
}

#[test]
fn reading_an_envelope_allocates_nothing() {
    let headers: [(&[u8], &[u8]); 6] = [
        (b"ce_specversion", b"1.0"),
        (b"ce_id", b"o-1"),
        (b"ce_source", b"shop"),
        (b"ce_type", b"omnifold.v1.OrderPlaced"),
        (b"ce_time", b"2025-06-02T10:00:00.250Z"),
        (b"content-type", b"application/json; charset=utf-8"),
    ];
    let (count, envelope) = allocations(|| Envelope::from_headers(headers));
    assert!(envelope.is_ok());
    assert_eq!(count, 0);
}

#[test]
fn decoding_allocates_only_what_the_message_holds() {
    for event in examples::inputs() {
        let bytes = event.encode();
        let read = || decode(event.type_name(), ContentType::Protobuf, &bytes);
        read().expect("the schema's table is built by the first call");
        let (count, _) = allocations(read);
        let (by_prost, _) = allocations(|| match &event {
            Event::OrderPlaced(_) => {
                prost::Message::decode(&bytes[..]).map(|order: v1::OrderPlaced| Event::from(order))
            }
            Event::OrderChanged(_) => prost::Message::decode(&bytes[..])
                .map(|change: v1::OrderChanged| Event::from(change)),
            _ => Ok(event.clone()),
        });
        // A list grows as it is read, so prost itself is the measure where there is one.
        let by_measure = matches!(event, Event::OrderPlaced(_) | Event::OrderChanged(_));
        let slack = if by_measure { 0 } else { 2 };
        assert!(count <= by_prost + slack, "{}: {count} > {by_prost}", event.type_name());
    }
}
