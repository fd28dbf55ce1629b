//! The queue of one topic, and what comes out of it.
#![allow(unsafe_code)] // calls librdkafka's C interface

use std::ffi::{CString, c_void};
use std::ptr::{self, NonNull};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use omnifold_log::{HeadersBuilder, LogError, RecordBuf};
use rdkafka::bindings::{
    self, rd_kafka_headers_t, rd_kafka_message_t, rd_kafka_queue_t, rd_kafka_t,
    rd_kafka_timestamp_type_t,
};

use crate::client::{Client, Topic, c_name};
use crate::error::{Code, describe, text_of};
use crate::sending::PARTITION;

/// Messages taken out of a queue at a time.
const BATCH: usize = 512;
/// Names of headers are told in one byte. No CloudEvents attribute is longer.
const MAX_HEADER_NAME: usize = 255;

/// What a queue held.
pub(super) enum Item {
    /// A record, now in the buffer.
    Record { offset: u64 },
    /// Nothing committed followed this position.
    End { offset: u64 },
    /// An error about the topic.
    Error { code: Code, text: String },
}

/// A topic being fetched.
pub(super) struct Source {
    queue: NonNull<rd_kafka_queue_t>,
    /// Taken out of the queue and not yet used: `batch[used..filled]`.
    batch: Box<[*mut rd_kafka_message_t]>,
    used: usize,
    filled: usize,
    name: CString,
    client: Arc<Client>,
    topic: Topic,
    /// The queue's callback points at it.
    _signal: Arc<Signal>,
}

// SAFETY: librdkafka's objects may be used from any thread; messages are used by one at a time.
unsafe impl Send for Source {}

impl Source {
    /// Starts to fetch from a position.
    pub(super) fn start(
        client: &Arc<Client>,
        name: &str,
        next: u64,
        signal: &Arc<Signal>,
    ) -> Result<Source, LogError> {
        let topic = Topic::new(client, name)?;
        let c_name = c_name(name)?;
        // SAFETY: client, topic and name are valid. The signal that the callback gets is kept
        // alive by this source, which switches the callback off before it lets go of it.
        let (queue, failed) = unsafe {
            let queue =
                bindings::rd_kafka_queue_get_partition(client.raw(), c_name.as_ptr(), PARTITION);
            if !queue.is_null() {
                let opaque = Arc::as_ptr(signal).cast_mut().cast();
                bindings::rd_kafka_queue_cb_event_enable(queue, Some(on_items), opaque);
            }
            let start = i64::try_from(next).unwrap_or(i64::MAX);
            (queue, bindings::rd_kafka_consume_start(topic.raw(), PARTITION, start) != 0)
        };
        let Some(queue) = NonNull::new(queue).filter(|_| !failed) else {
            // SAFETY: reads a thread-local.
            let code = unsafe { bindings::rd_kafka_last_error() };
            let what = format!("reading topic `{name}` from {next}");
            return Err(LogError::Unavailable { what, detail: describe(code) });
        };
        Ok(Source {
            queue,
            batch: vec![ptr::null_mut(); BATCH].into_boxed_slice(),
            used: 0,
            filled: 0,
            name: c_name,
            client: Arc::clone(client),
            topic,
            _signal: Arc::clone(signal),
        })
    }

    /// Whether [`Source::next`] would return something.
    pub(super) fn has_items(&self) -> bool {
        // SAFETY: the queue is valid.
        self.used < self.filled
            || unsafe { bindings::rd_kafka_queue_length(self.queue.as_ptr()) } > 0
    }

    /// The next item that is there; a record goes into the buffer, marked with `place`.
    pub(super) fn next(
        &mut self,
        place: usize,
        into: &mut RecordBuf,
        headers: &mut HeadersBuilder,
    ) -> Option<Item> {
        if self.used == self.filled {
            self.refill();
        }
        if self.used == self.filled {
            return None;
        }
        let message = self.batch[self.used];
        self.used += 1;
        // SAFETY: a message from the queue, used here for the last time, then destroyed once.
        unsafe {
            let item = take(message, place, into, headers);
            bindings::rd_kafka_message_destroy(message);
            Some(item)
        }
    }

    fn refill(&mut self) {
        self.used = 0;
        // SAFETY: the queue is valid and the batch as long as said. Nothing is waited for.
        let count = unsafe {
            bindings::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                0,
                self.batch.as_mut_ptr(),
                self.batch.len(),
            )
        };
        self.filled = usize::try_from(count).unwrap_or(0);
    }

    /// The next offset to be written, as the broker told with the last fetch; `None`: not yet.
    pub(super) fn high_watermark(&self) -> Option<u64> {
        let (mut low, mut high) = (-1, -1);
        // SAFETY: client and name are valid; both figures are written.
        unsafe {
            bindings::rd_kafka_get_watermark_offsets(
                self.client.raw(),
                self.name.as_ptr(),
                PARTITION,
                &mut low,
                &mut high,
            );
        }
        u64::try_from(high).ok()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: each unused message is destroyed once; the callback is switched off before the
        // signal goes; the queue is ours, once.
        unsafe {
            bindings::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            for message in &self.batch[self.used..self.filled] {
                bindings::rd_kafka_message_destroy(*message);
            }
            bindings::rd_kafka_consume_stop(self.topic.raw(), PARTITION);
            bindings::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

/// # Safety
/// `message` must be a message of a consumer's queue, not yet destroyed.
unsafe fn take(
    message: *mut rd_kafka_message_t,
    place: usize,
    into: &mut RecordBuf,
    headers: &mut HeadersBuilder,
) -> Item {
    // SAFETY: by the contract of this function.
    let fields = unsafe { &*message };
    match fields.err {
        Code::RD_KAFKA_RESP_ERR_NO_ERROR => {
            let offset = offset_of(fields.offset);
            headers.clear();
            let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
            // SAFETY: key and payload are valid for their lengths until the message is destroyed.
            unsafe {
                copy_headers(message, headers);
                let time_ms = bindings::rd_kafka_message_timestamp(message, &mut kind);
                let key = bytes(fields.key, fields.key_len).unwrap_or_default();
                let value = bytes(fields.payload, fields.len);
                into.push(place, offset, time_ms, headers.as_headers(), key, value);
            }
            Item::Record { offset }
        }
        Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => Item::End { offset: offset_of(fields.offset) },
        // SAFETY: the message is valid.
        code => Item::Error {
            code,
            text: text_of(unsafe { bindings::rd_kafka_message_errstr(message) }),
        },
    }
}

fn offset_of(offset: i64) -> u64 {
    u64::try_from(offset).expect("the offset of a record is not negative")
}

/// # Safety
/// `start` must be null or valid for `length` bytes as long as the result is used.
unsafe fn bytes<'a>(start: *mut c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: by the contract of this function.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) })
}

/// Copies the headers of a message. Those whose names are too long, or no UTF-8, are left out: no
/// event has such.
///
/// # Safety
/// `message` must be valid.
unsafe fn copy_headers(message: *const rd_kafka_message_t, into: &mut HeadersBuilder) {
    let mut headers: *mut rd_kafka_headers_t = ptr::null_mut();
    // SAFETY: the message is valid, and owns the headers.
    if unsafe { bindings::rd_kafka_message_headers(message, &mut headers) }
        != Code::RD_KAFKA_RESP_ERR_NO_ERROR
    {
        return;
    }
    for index in 0.. {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers are valid; the call says so when there is no such index.
        let code = unsafe {
            bindings::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut size)
        };
        if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return;
        }
        // SAFETY: the name ends with NUL, the value is valid for its size; null is a null value.
        let (name, value) = unsafe {
            let name = std::ffi::CStr::from_ptr(name);
            (name, bytes(value.cast_mut(), size).unwrap_or_default())
        };
        match name.to_str() {
            Ok(name) if name.len() <= MAX_HEADER_NAME => into.put(name, value),
            _ => tracing::debug!(?name, "a header was left out"),
        }
    }
}

/// Set when a queue that was empty gets something.
#[derive(Default)]
pub(super) struct Signal {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub(super) fn clear(&self) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until it is set; whether it was.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while !*set {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(set, left);
            set = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Called by librdkafka's threads with the queue locked: no call back into librdkafka here.
unsafe extern "C" fn on_items(_client: *mut rd_kafka_t, signal: *mut c_void) {
    // SAFETY: the signal lives until the callback is switched off.
    let signal = unsafe { &*signal.cast_const().cast::<Signal>() };
    *signal.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
    signal.changed.notify_one();
}
