//! Administrative requests, one function each: ask, wait for the answer, take it apart.
#![allow(unsafe_code)] // calls librdkafka's C interface

use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::time::Duration;

use rdkafka::bindings::{
    self as rd, rd_kafka_AdminOptions_t, rd_kafka_IsolationLevel_t as IsolationLevel,
    rd_kafka_OffsetSpec_t as OffsetSpec, rd_kafka_ResourceType_t as ResourceType,
    rd_kafka_admin_op_t as Operation, rd_kafka_event_t, rd_kafka_queue_t,
    rd_kafka_topic_partition_list_t,
};

use crate::client::{Client, millis};
use crate::error::{Code, text_of};
use crate::sending::PARTITION;

/// Added to a request's own time limit before its answer is given up.
const SLACK: Duration = Duration::from_secs(2);

/// A topic to be made, with one partition.
pub(super) struct NewTopic {
    pub(super) name: String,
    /// -1: the broker's default.
    pub(super) replication: i32,
    pub(super) configs: Vec<(String, String)>,
}

/// A topic that is there.
#[derive(Debug, Clone)]
pub(crate) struct FoundTopic {
    /// The topic id, as Kafka's own tools print it.
    pub(crate) identity: String,
    pub(crate) partitions: usize,
    pub(crate) has_leader: bool,
}

/// Settings of one topic: name and value.
pub(super) type Configs = Vec<(String, String)>;

/// Which offset is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    First,
    Next,
}

/// Whose view of a topic's end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Isolation {
    Committed,
    Uncommitted,
}

/// Makes topics; name, code and reason of each.
pub(super) fn create_topics(
    client: &Client,
    topics: &[NewTopic],
    timeout: Duration,
) -> Result<Vec<(String, Code, String)>, Code> {
    let mut natives: Vec<_> = topics.iter().map(native_topic).collect();
    let answer = ask(client, Operation::RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout, |call| {
        // SAFETY: the array holds as many valid topics as said.
        unsafe {
            let wanted = natives.as_mut_ptr();
            rd::rd_kafka_CreateTopics(client.raw(), wanted, natives.len(), call.options, call.queue)
        }
    });
    // SAFETY: the request has copied the topics. Results live as long as the answer.
    unsafe {
        rd::rd_kafka_NewTopic_destroy_array(natives.as_mut_ptr(), natives.len());
        let answer = answer?;
        let result = rd::rd_kafka_event_CreateTopics_result(answer.0);
        let mut count = 0;
        let results = rd::rd_kafka_CreateTopics_result_topics(result, &mut count);
        Ok(items(results, count)
            .map(|topic| {
                let name = text_of(rd::rd_kafka_topic_result_name(topic));
                let reason = text_of(rd::rd_kafka_topic_result_error_string(topic));
                (name, rd::rd_kafka_topic_result_error(topic), reason)
            })
            .collect())
    }
}

fn native_topic(topic: &NewTopic) -> *mut rd::rd_kafka_NewTopic_t {
    let mut text: [c_char; 512] = [0; 512];
    let name = c_string(&topic.name);
    // SAFETY: strings end with NUL and are copied; the buffer is as long as said. Creation fails
    // only for a replication factor or partition count out of range, which these are not.
    unsafe {
        let native = rd::rd_kafka_NewTopic_new(
            name.as_ptr(),
            1,
            topic.replication,
            text.as_mut_ptr(),
            text.len(),
        );
        assert!(!native.is_null(), "topic `{}`: {}", topic.name, text_of(text.as_ptr()));
        for (name, value) in &topic.configs {
            let (name, value) = (c_string(name), c_string(value));
            rd::rd_kafka_NewTopic_set_config(native, name.as_ptr(), value.as_ptr());
        }
        native
    }
}

/// Identity and partitions of topics, in the order asked.
pub(super) fn describe_topics(
    client: &Client,
    names: &[&str],
    timeout: Duration,
) -> Result<Vec<Result<FoundTopic, Code>>, Code> {
    let strings: Vec<CString> = names.iter().map(|name| c_string(name)).collect();
    let mut pointers: Vec<*const c_char> = strings.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: as many NUL-terminated strings as said, which are copied.
    let wanted = unsafe {
        rd::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len())
    };
    let answer = ask(client, Operation::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout, |call| {
        // SAFETY: the collection is valid.
        unsafe { rd::rd_kafka_DescribeTopics(client.raw(), wanted, call.options, call.queue) }
    });
    // SAFETY: the request has copied the collection. Results live as long as the answer.
    let mut found: HashMap<String, Result<FoundTopic, Code>> = unsafe {
        rd::rd_kafka_TopicCollection_destroy(wanted);
        let answer = answer?;
        let result = rd::rd_kafka_event_DescribeTopics_result(answer.0);
        let mut count = 0;
        let topics = rd::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        items(topics, count)
            .map(|topic| (text_of(rd::rd_kafka_TopicDescription_name(topic)), found_topic(topic)))
            .collect()
    };
    let missing = Err(Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    Ok(names.iter().map(|name| found.remove(*name).unwrap_or(missing.clone())).collect())
}

fn found_topic(topic: *const rd::rd_kafka_TopicDescription_t) -> Result<FoundTopic, Code> {
    // SAFETY: the description lives as long as the answer, and so does what it points to.
    unsafe {
        let error = rd::rd_kafka_TopicDescription_error(topic);
        let code = rd::rd_kafka_error_code(error);
        if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(code);
        }
        let mut count = 0;
        let partitions = rd::rd_kafka_TopicDescription_partitions(topic, &mut count);
        let led = |partition| !rd::rd_kafka_TopicPartitionInfo_leader(partition).is_null();
        let id = rd::rd_kafka_TopicDescription_topic_id(topic);
        Ok(FoundTopic {
            identity: text_of(rd::rd_kafka_Uuid_base64str(id)),
            partitions: count,
            has_leader: items(partitions, count).all(led),
        })
    }
}

/// Settings of topics, in the order asked.
pub(super) fn describe_configs(
    client: &Client,
    names: &[&str],
    timeout: Duration,
) -> Result<Vec<Configs>, Code> {
    let mut resources: Vec<_> = names
        .iter()
        .map(|name| {
            let name = c_string(name);
            // SAFETY: the name ends with NUL and is copied.
            unsafe {
                rd::rd_kafka_ConfigResource_new(
                    ResourceType::RD_KAFKA_RESOURCE_TOPIC,
                    name.as_ptr(),
                )
            }
        })
        .collect();
    let answer = ask(client, Operation::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout, |call| {
        // SAFETY: the array holds as many valid resources as said.
        unsafe {
            let wanted = resources.as_mut_ptr();
            let count = resources.len();
            rd::rd_kafka_DescribeConfigs(client.raw(), wanted, count, call.options, call.queue)
        }
    });
    // SAFETY: the request has copied the resources. Results live as long as the answer.
    unsafe {
        rd::rd_kafka_ConfigResource_destroy_array(resources.as_mut_ptr(), resources.len());
        let answer = answer?;
        let result = rd::rd_kafka_event_DescribeConfigs_result(answer.0);
        let mut count = 0;
        let described = rd::rd_kafka_DescribeConfigs_result_resources(result, &mut count);
        let mut by_name: HashMap<String, Configs> = HashMap::new();
        for resource in items(described, count) {
            match rd::rd_kafka_ConfigResource_error(resource) {
                Code::RD_KAFKA_RESP_ERR_NO_ERROR => {}
                code => return Err(code),
            }
            let name = text_of(rd::rd_kafka_ConfigResource_name(resource));
            let mut count = 0;
            let entries = rd::rd_kafka_ConfigResource_configs(resource, &mut count);
            by_name.insert(name, items(entries, count).map(config).collect());
        }
        Ok(names.iter().map(|name| by_name.remove(*name).unwrap_or_default()).collect())
    }
}

fn config(entry: *const rd::rd_kafka_ConfigEntry_t) -> (String, String) {
    // SAFETY: the entry lives as long as the answer.
    unsafe {
        let name = text_of(rd::rd_kafka_ConfigEntry_name(entry));
        (name, text_of(rd::rd_kafka_ConfigEntry_value(entry)))
    }
}

/// Offsets of topics, in the order asked.
pub(super) fn list_offsets(
    client: &Client,
    names: &[&str],
    which: Which,
    isolation: Isolation,
    timeout: Duration,
) -> Result<Vec<Result<u64, Code>>, Code> {
    let spec = match which {
        Which::First => OffsetSpec::RD_KAFKA_OFFSET_SPEC_EARLIEST,
        Which::Next => OffsetSpec::RD_KAFKA_OFFSET_SPEC_LATEST,
    };
    let level = match isolation {
        Isolation::Committed => IsolationLevel::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
        Isolation::Uncommitted => IsolationLevel::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
    };
    let wanted = Partitions::new(names.iter().map(|name| (*name, spec as i64)));
    let answer = ask(client, Operation::RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout, |call| {
        // SAFETY: options and list are valid; an error object (null here) would be ours.
        unsafe {
            let error = rd::rd_kafka_AdminOptions_set_isolation_level(call.options, level);
            assert!(error.is_null(), "an isolation level is an option of ListOffsets");
            rd::rd_kafka_ListOffsets(client.raw(), wanted.0, call.options, call.queue);
        }
    })?;
    let mut offsets: HashMap<String, Result<u64, Code>> = HashMap::new();
    // SAFETY: results live as long as the answer.
    unsafe {
        let result = rd::rd_kafka_event_ListOffsets_result(answer.0);
        let mut count = 0;
        let infos = rd::rd_kafka_ListOffsets_result_infos(result, &mut count);
        for info in items(infos, count) {
            let partition = &*rd::rd_kafka_ListOffsetsResultInfo_topic_partition(info);
            offsets.insert(text_of(partition.topic), offset_of(partition));
        }
    }
    let missing = Err(Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    Ok(names.iter().map(|name| offsets.remove(*name).unwrap_or(missing)).collect())
}

fn offset_of(partition: &rd::rd_kafka_topic_partition_t) -> Result<u64, Code> {
    match partition.err {
        Code::RD_KAFKA_RESP_ERR_NO_ERROR => {
            Ok(u64::try_from(partition.offset).expect("an offset is not negative"))
        }
        code => Err(code),
    }
}

/// Removes the records of a topic before an offset.
pub(super) fn delete_records(client: &Client, topic: &str, offset: u64, timeout: Duration) -> Code {
    let before = i64::try_from(offset).unwrap_or(i64::MAX);
    let list = Partitions::new(std::iter::once((topic, before)));
    // SAFETY: the list is valid and copied.
    let mut wanted = unsafe { rd::rd_kafka_DeleteRecords_new(list.0) };
    let answer = ask(client, Operation::RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout, |call| {
        // SAFETY: one valid request.
        unsafe {
            rd::rd_kafka_DeleteRecords(client.raw(), &mut wanted, 1, call.options, call.queue)
        }
    });
    // SAFETY: the request has been copied. The result lives as long as the answer and holds one
    // partition, as the request did.
    unsafe {
        rd::rd_kafka_DeleteRecords_destroy(wanted);
        match answer {
            Err(code) => code,
            Ok(answer) => {
                let result = rd::rd_kafka_event_DeleteRecords_result(answer.0);
                let list = &*rd::rd_kafka_DeleteRecords_result_offsets(result);
                assert_eq!(list.cnt, 1, "one partition asked, one answered");
                (*list.elems).err
            }
        }
    }
}

/// What a request needs.
struct Call {
    options: *mut rd_kafka_AdminOptions_t,
    queue: *mut rd_kafka_queue_t,
}

/// An answer; its results live as long as it does.
struct Answer(*mut rd_kafka_event_t);

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { rd::rd_kafka_event_destroy(self.0) };
    }
}

/// Sends a request with a queue of its own and waits for the answer.
fn ask(
    client: &Client,
    operation: Operation,
    timeout: Duration,
    send: impl FnOnce(&Call),
) -> Result<Answer, Code> {
    let mut text: [c_char; 256] = [0; 256];
    // SAFETY: options and queue are made here and destroyed here, after the answer has arrived or
    // been given up; librdkafka drops an answer whose queue is gone.
    unsafe {
        let call = Call {
            options: rd::rd_kafka_AdminOptions_new(client.raw(), operation),
            queue: rd::rd_kafka_queue_new(client.raw()),
        };
        let limit = millis(timeout);
        rd::rd_kafka_AdminOptions_set_request_timeout(
            call.options,
            limit,
            text.as_mut_ptr(),
            text.len(),
        );
        send(&call);
        rd::rd_kafka_AdminOptions_destroy(call.options);
        let event = rd::rd_kafka_queue_poll(call.queue, millis(timeout + SLACK));
        rd::rd_kafka_queue_destroy(call.queue);
        if event.is_null() {
            return Err(Code::RD_KAFKA_RESP_ERR__TIMED_OUT);
        }
        let answer = Answer(event);
        match rd::rd_kafka_event_error(event) {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(answer),
            code => Err(code),
        }
    }
}

/// Partition 0 of topics, each with an offset.
struct Partitions(*mut rd_kafka_topic_partition_list_t);

impl Partitions {
    fn new<'a>(wanted: impl Iterator<Item = (&'a str, i64)>) -> Partitions {
        // SAFETY: names end with NUL and are copied; the entry added is valid until the next one.
        unsafe {
            let list = Partitions(rd::rd_kafka_topic_partition_list_new(8));
            for (name, offset) in wanted {
                let name = c_string(name);
                let entry = rd::rd_kafka_topic_partition_list_add(list.0, name.as_ptr(), PARTITION);
                (*entry).offset = offset;
            }
            list
        }
    }
}

impl Drop for Partitions {
    fn drop(&mut self) {
        // SAFETY: ours, once.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.0) };
    }
}

/// The items of an array that librdkafka returned; none where it is null.
fn items<T>(array: *mut *const T, count: usize) -> impl Iterator<Item = *const T> {
    let count = if array.is_null() { 0 } else { count };
    // SAFETY: librdkafka returned an array of so many pointers; the caller keeps it alive.
    (0..count).map(move |place| unsafe { *array.add(place) })
}

/// A name as C takes it. One with a zero byte names nothing: Kafka answers that it is not there.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "?")).unwrap_or_else(|_| CString::from(c""))
}
