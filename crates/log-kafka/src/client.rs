//! One librdkafka client: made, polled, and put away.
//!
//! Hot paths (sending, fetching) call librdkafka's C interface directly: its Rust wrapper makes a
//! string, an event and several reference counts for every record.
#![allow(unsafe_code)] // this module, sending, fetching and admin are the border to librdkafka

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use omnifold_log::LogError;
use rdkafka::bindings::{
    self, rd_kafka_conf_res_t, rd_kafka_conf_t, rd_kafka_message_t, rd_kafka_t, rd_kafka_topic_t,
    rd_kafka_type_t,
};

use crate::error::{Code, code_of, describe, text_of};
use crate::options::{KafkaOptions, Role};

/// How long dropping a client may hold its caller up.
const DROP_PATIENCE: Duration = Duration::from_millis(200);

/// Called by [`Client::poll`] for every record that was delivered or failed.
pub(crate) type DeliveryCallback =
    unsafe extern "C" fn(*mut rd_kafka_t, *const rd_kafka_message_t, *mut c_void);

/// A librdkafka instance with its threads and connections.
pub(crate) struct Client {
    handle: NonNull<rd_kafka_t>,
    status: Arc<Status>,
}

// SAFETY: librdkafka documents its instances as completely thread safe.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// What librdkafka has reported about its connections.
#[derive(Debug, Default)]
pub(crate) struct Status {
    last_error: Mutex<Option<String>>,
    refused: AtomicBool,
}

impl Status {
    fn note(&self, code: Code, reason: &str) {
        match code {
            // Says less than the error before it.
            Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN => return,
            Code::RD_KAFKA_RESP_ERR__AUTHENTICATION | Code::RD_KAFKA_RESP_ERR__SSL => {
                self.refused.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
        *lock(&self.last_error) = Some(reason.to_owned());
    }

    /// Whether a broker was reached but would not have us: waiting longer is of no use.
    pub(crate) fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// The last connection error, or a text that there was none.
    pub(crate) fn last_error(&self) -> String {
        lock(&self.last_error).clone().unwrap_or_else(|| "no answer".to_owned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Makes a client. Nothing is connected yet.
    ///
    /// # Errors
    /// [`LogError::Configuration`] naming every property that librdkafka refuses.
    pub(crate) fn new(
        options: &KafkaOptions,
        role: &Role<'_>,
        delivered: Option<DeliveryCallback>,
    ) -> Result<Client, LogError> {
        let status = Arc::new(Status::default());
        let kind = if role.is_producer() {
            rd_kafka_type_t::RD_KAFKA_PRODUCER
        } else {
            rd_kafka_type_t::RD_KAFKA_CONSUMER
        };
        let conf = Conf::new(&options.properties_of(role))?;
        let mut text: [c_char; 512] = [0; 512];
        // SAFETY: `conf` is valid. The status that the callbacks get is kept alive by this client
        // and by the thread that destroys it. On success the instance owns the configuration.
        let handle = unsafe {
            bindings::rd_kafka_conf_set_opaque(conf.0, Arc::as_ptr(&status).cast_mut().cast());
            bindings::rd_kafka_conf_set_error_cb(conf.0, Some(on_error));
            bindings::rd_kafka_conf_set_log_cb(conf.0, Some(on_log));
            if let Some(callback) = delivered {
                bindings::rd_kafka_conf_set_dr_msg_cb(conf.0, Some(callback));
            }
            bindings::rd_kafka_new(kind, conf.0, text.as_mut_ptr(), text.len())
        };
        let Some(handle) = NonNull::new(handle) else {
            let reason = text_of(text.as_ptr());
            let role = role.name();
            return Err(LogError::Configuration(format!("kafka {role} client: {reason}")));
        };
        std::mem::forget(conf);
        Ok(Client { handle, status })
    }

    pub(crate) fn raw(&self) -> *mut rd_kafka_t {
        self.handle.as_ptr()
    }

    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Serves delivery reports and errors, waiting at most this long for the first.
    pub(crate) fn poll(&self, timeout: Duration) {
        // SAFETY: the handle is valid while `self` lives.
        unsafe { bindings::rd_kafka_poll(self.raw(), millis(timeout)) };
    }

    /// The error after which this client is of no more use, if there was one.
    pub(crate) fn fatal(&self) -> Option<(Code, String)> {
        let mut text: [c_char; 512] = [0; 512];
        // SAFETY: the handle is valid and the buffer as long as said.
        let code =
            unsafe { bindings::rd_kafka_fatal_error(self.raw(), text.as_mut_ptr(), text.len()) };
        (code != Code::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| (code, text_of(text.as_ptr())))
    }

    /// Waits until a broker has answered.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] naming the address, where none does in time.
    pub(crate) fn connect(&self, brokers: &str, patience: Duration) -> Result<(), LogError> {
        const STEP: Duration = Duration::from_millis(500);
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let code = self.request_metadata(left.min(STEP));
            if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Ok(());
            }
            self.poll(Duration::ZERO);
            if left.is_zero() || self.status.refused() {
                let detail = format!("{} ({})", self.status.last_error(), describe(code));
                return Err(LogError::Unavailable {
                    what: format!("Kafka at {brokers} cannot be reached"),
                    detail,
                });
            }
        }
    }

    /// Asks for the list of brokers.
    pub(crate) fn request_metadata(&self, timeout: Duration) -> Code {
        let mut metadata = ptr::null();
        // SAFETY: no topic is asked for; metadata is destroyed once where it was given.
        unsafe {
            let code = bindings::rd_kafka_metadata(
                self.raw(),
                0,
                ptr::null_mut(),
                &mut metadata,
                millis(timeout),
            );
            if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                bindings::rd_kafka_metadata_destroy(metadata);
            }
            code
        }
    }

    /// Names of all topics of the cluster that this client may see.
    pub(crate) fn topic_names(&self, timeout: Duration) -> Result<Vec<String>, Code> {
        let (raw, nowhere) = (self.raw(), ptr::null_mut());
        let mut metadata = ptr::null();
        // SAFETY: all topics are asked for; what is given is copied, then destroyed once.
        unsafe {
            let code = bindings::rd_kafka_metadata(raw, 1, nowhere, &mut metadata, millis(timeout));
            if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Err(code);
            }
            let count = usize::try_from((*metadata).topic_cnt).unwrap_or_default();
            let topics = (0..count).map(|place| text_of((*(*metadata).topics.add(place)).topic));
            let names = topics.collect();
            bindings::rd_kafka_metadata_destroy(metadata);
            Ok(names)
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let handle = Handle(self.handle);
        let status = Arc::clone(&self.status);
        let (done, destroyed) = mpsc::channel();
        let thread = std::thread::Builder::new().name("kafka-close".to_owned());
        let spawned = thread.spawn(move || {
            destroy(handle);
            drop(status); // callbacks may use it until here
            let _ = done.send(());
        });
        if spawned.is_ok() {
            let _ = destroyed.recv_timeout(DROP_PATIENCE);
        }
    }
}

/// A handle on its way to the thread that destroys it.
struct Handle(NonNull<rd_kafka_t>);

// SAFETY: as for `Client`.
unsafe impl Send for Handle {}

fn destroy(handle: Handle) {
    // SAFETY: the only owner gave the handle away; nothing uses it after this.
    unsafe {
        let flags = bindings::RD_KAFKA_PURGE_F_QUEUE | bindings::RD_KAFKA_PURGE_F_INFLIGHT;
        bindings::rd_kafka_purge(handle.0.as_ptr(), flags); // refused by consumers: nothing to do
        bindings::rd_kafka_destroy(handle.0.as_ptr());
    }
}

/// A timeout as librdkafka takes it.
pub(crate) fn millis(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX)
}

/// A name as librdkafka takes it.
pub(crate) fn c_name(name: &str) -> Result<CString, LogError> {
    CString::new(name)
        .map_err(|_| LogError::Configuration(format!("the name {name:?} holds a zero byte")))
}

/// A configuration not yet given to a client.
struct Conf(*mut rd_kafka_conf_t);

impl Conf {
    fn new(properties: &[(String, String)]) -> Result<Conf, LogError> {
        // SAFETY: allocates; destroyed by Drop unless a client takes it over.
        let conf = Conf(unsafe { bindings::rd_kafka_conf_new() });
        let faults: Vec<String> =
            properties.iter().filter_map(|(name, value)| conf.set(name, value).err()).collect();
        if faults.is_empty() { Ok(conf) } else { Err(LogError::Configuration(faults.join("; "))) }
    }

    fn set(&self, name: &str, value: &str) -> Result<(), String> {
        let (Ok(c_name), Ok(c_value)) = (CString::new(name), CString::new(value)) else {
            return Err(format!("kafka property `{name}` holds a zero byte"));
        };
        let mut text: [c_char; 512] = [0; 512];
        // SAFETY: all strings end with NUL and the buffer is as long as said.
        let result = unsafe {
            bindings::rd_kafka_conf_set(
                self.0,
                c_name.as_ptr(),
                c_value.as_ptr(),
                text.as_mut_ptr(),
                text.len(),
            )
        };
        if result == rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
            return Ok(());
        }
        Err(format!("kafka property `{name}`: {}", text_of(text.as_ptr())))
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: not given to a client, or it would have been forgotten.
        unsafe { bindings::rd_kafka_conf_destroy(self.0) };
    }
}

/// A topic as one client knows it.
pub(crate) struct Topic {
    handle: NonNull<rd_kafka_topic_t>,
    /// Keeps the client alive as long as its topic.
    _client: Arc<Client>,
}

// SAFETY: as for `Client`.
unsafe impl Send for Topic {}
// SAFETY: as for `Client`.
unsafe impl Sync for Topic {}

impl Topic {
    pub(crate) fn new(client: &Arc<Client>, name: &str) -> Result<Topic, LogError> {
        let c_name = c_name(name)?;
        // SAFETY: the client is valid, the name ends with NUL, no topic configuration is given.
        let handle =
            unsafe { bindings::rd_kafka_topic_new(client.raw(), c_name.as_ptr(), ptr::null_mut()) };
        let handle = NonNull::new(handle)
            .ok_or_else(|| LogError::Configuration(format!("`{name}` is no name of a topic")))?;
        Ok(Topic { handle, _client: Arc::clone(client) })
    }

    pub(crate) fn raw(&self) -> *mut rd_kafka_topic_t {
        self.handle.as_ptr()
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: ours, once; the client still lives.
        unsafe { bindings::rd_kafka_topic_destroy(self.raw()) };
    }
}

unsafe extern "C" fn on_error(
    _client: *mut rd_kafka_t,
    code: c_int,
    reason: *const c_char,
    status: *mut c_void,
) {
    // SAFETY: the opaque given at creation, alive as long as the client.
    let status = unsafe { &*status.cast_const().cast::<Status>() };
    status.note(code_of(code), &text_of(reason));
}

unsafe extern "C" fn on_log(
    _client: *const rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    text: *const c_char,
) {
    let (facility, text) = (text_of(facility), text_of(text));
    match level {
        // Properties of producers given to consumers, and the other way round: one set of
        // properties serves all clients, so this is as meant.
        _ if facility == "CONFWARN" => tracing::trace!(target: "librdkafka", facility, "{text}"),
        0..=4 => tracing::warn!(target: "librdkafka", facility, "{text}"),
        5 | 6 => tracing::info!(target: "librdkafka", facility, "{text}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{text}"),
    }
}
