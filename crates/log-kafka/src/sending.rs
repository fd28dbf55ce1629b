//! Hands the records of a buffer to a producer.
#![allow(unsafe_code)] // calls librdkafka's C interface

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use omnifold_log::{Headers, LogError, Record};
use rdkafka::bindings::{self, rd_kafka_headers_t, rd_kafka_vtype_t};

use crate::client::{Client, Topic};
use crate::error::{Code, describe, is_missing_topic};

/// The one partition of every topic.
pub(crate) const PARTITION: i32 = 0;

/// Puts one record into the producer's queue; waits while that is full, until the deadline.
/// `opaque` comes back in the delivery report.
pub(crate) fn send(
    client: &Client,
    topic: &Topic,
    record: &Record<'_>,
    opaque: *mut c_void,
    deadline: Instant,
) -> Result<(), Code> {
    loop {
        let code = enqueue(client, topic, record, opaque);
        match code {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => return Ok(()),
            Code::RD_KAFKA_RESP_ERR__QUEUE_FULL if Instant::now() < deadline => {
                client.poll(Duration::from_millis(100));
            }
            _ => return Err(code),
        }
    }
}

fn enqueue(client: &Client, topic: &Topic, record: &Record<'_>, opaque: *mut c_void) -> Code {
    let (value, value_len) = pointer(record.value);
    let (key, key_len) = pointer((!record.key.is_empty()).then_some(record.key));
    let headers = native_headers(record.headers);
    // SAFETY: every tag is followed by arguments of the types it asks for; librdkafka copies key
    // and value before it returns, and owns the headers (which may be null) if it succeeds.
    let code = unsafe {
        bindings::rd_kafka_producev(
            client.raw(),
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT,
            topic.raw(),
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION,
            PARTITION as c_int,
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS,
            bindings::RD_KAFKA_MSG_F_COPY as c_int,
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE,
            value,
            value_len,
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY,
            key,
            key_len,
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP,
            record.time_ms,
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE,
            opaque,
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS,
            headers,
            rd_kafka_vtype_t::RD_KAFKA_VTYPE_END,
        )
    };
    if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR && !headers.is_null() {
        // SAFETY: a refused record leaves its headers with the caller.
        unsafe { bindings::rd_kafka_headers_destroy(headers) };
    }
    code
}

/// Null stands for "none", a dangling pointer of length 0 for "empty".
fn pointer(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}

fn native_headers(headers: Headers<'_>) -> *mut rd_kafka_headers_t {
    if headers.as_bytes().is_empty() {
        return ptr::null_mut();
    }
    let length = |bytes: &[u8]| isize::try_from(bytes.len()).expect("a slice fits");
    // SAFETY: names and values are given with their lengths and are copied.
    unsafe {
        let native = bindings::rd_kafka_headers_new(8);
        for (name, value) in headers.iter() {
            bindings::rd_kafka_header_add(
                native,
                name.as_ptr().cast(),
                length(name),
                value.as_ptr().cast(),
                length(value),
            );
        }
        native
    }
}

/// Refuses a batch that cannot be stored as it stands: Kafka knows no time before 1970. (A time of
/// 0 is none at all: such a record is stamped when it is sent.)
pub(crate) fn check_times<'a>(mut batch: impl Iterator<Item = Record<'a>>) -> Result<(), LogError> {
    match batch.find(|record| record.time_ms < 0) {
        None => Ok(()),
        Some(record) => Err(LogError::Refused {
            detail: format!("Kafka cannot store a record of time {} ms", record.time_ms),
        }),
    }
}

/// What it means that a record was not delivered to a topic, where nothing was committed.
pub(crate) fn refusal(topic: &str, code: Code) -> LogError {
    if is_missing_topic(code) {
        return LogError::NoTopic { topic: topic.to_owned() };
    }
    let detail = format!("record for `{topic}`: {}", describe(code));
    match code {
        Code::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT => LogError::Unknown { detail },
        _ => LogError::Refused { detail },
    }
}

/// Topics of one client, made once.
#[derive(Default)]
pub(crate) struct TopicCache(Vec<(String, Arc<Topic>)>);

impl TopicCache {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    pub(crate) fn get(&mut self, client: &Arc<Client>, name: &str) -> Result<Arc<Topic>, LogError> {
        if let Some((_, topic)) = self.0.iter().find(|(known, _)| known == name) {
            return Ok(Arc::clone(topic));
        }
        let topic = Arc::new(Topic::new(client, name)?);
        self.0.push((name.to_owned(), Arc::clone(&topic)));
        Ok(topic)
    }
}
