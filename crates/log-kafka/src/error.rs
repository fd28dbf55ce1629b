//! librdkafka's error codes, and what they mean for the log.
#![allow(unsafe_code)] // texts of errors are C strings

use std::ffi::{CStr, c_char};

use rdkafka::bindings::{self, rd_kafka_error_t};

pub(crate) use rdkafka::bindings::rd_kafka_resp_err_t as Code;

/// A C string as text; empty where there is none.
pub(crate) fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: librdkafka returns NUL-terminated strings that live at least as long as this call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// What librdkafka says about a code.
pub(crate) fn describe(code: Code) -> String {
    // SAFETY: takes any code and returns a static string.
    text_of(unsafe { bindings::rd_kafka_err2str(code) })
}

/// A code back from its number. Only numbers that librdkafka itself has reported may be given.
pub(crate) fn code_of(number: i32) -> Code {
    // SAFETY: the bindings are made from this very librdkafka: every code it reports is one of
    // the enumeration's.
    unsafe { std::mem::transmute::<i32, Code>(number) }
}

/// Whether another producer with the same transactional id has taken over.
pub(crate) fn is_fenced(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR__FENCED
            | Code::RD_KAFKA_RESP_ERR_PRODUCER_FENCED
            | Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
    )
}

/// Whether the topic, or its partition 0, is not there.
pub(crate) fn is_missing_topic(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
            | Code::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID
    )
}

/// Whether a broker does not lead the topic yet, or any more: true for a moment after a topic was
/// made or a broker has started.
pub(crate) fn is_unsettled(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
            | Code::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | Code::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE
            | Code::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH
    )
}

/// Whether a position lies outside of the topic.
pub(crate) fn is_out_of_range(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE
            | Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
            | Code::RD_KAFKA_RESP_ERR__LOG_TRUNCATION
    )
}

/// A failed call of the transactional producer, taken out of librdkafka's error object.
#[derive(Debug, Clone)]
pub(crate) struct TransactionFault {
    pub(crate) code: Code,
    pub(crate) text: String,
    pub(crate) fatal: bool,
    pub(crate) retriable: bool,
    pub(crate) must_abort: bool,
}

impl TransactionFault {
    /// Takes an error object that a transactional call returned; null is success.
    pub(crate) fn check(error: *mut rd_kafka_error_t) -> Result<(), TransactionFault> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: a non-null error object is ours until it is destroyed, once, at the end.
        unsafe {
            let fault = TransactionFault {
                code: bindings::rd_kafka_error_code(error),
                text: text_of(bindings::rd_kafka_error_string(error)),
                fatal: bindings::rd_kafka_error_is_fatal(error) != 0,
                retriable: bindings::rd_kafka_error_is_retriable(error) != 0,
                must_abort: bindings::rd_kafka_error_txn_requires_abort(error) != 0,
            };
            bindings::rd_kafka_error_destroy(error);
            Err(fault)
        }
    }
}
