//! The HTTP surface against markets that are played: addresses, shapes, bounds and faults.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use omnifold_events::jsonl::FileEvent;
use omnifold_log::TopicKind;
use omnifold_projector::{Answer, MarketStatus, Query, Role, Standing, StateReport, VerifyReport};
use omnifold_server::{Limits, Markets, MarketsError, Prometheus, RecordPage, Server};
use serde_json::{Value, json};
use tokio::sync::oneshot;

const CANCELLED: &str = r#"{"specversion":"1.0","id":"c-1","source":"shop","type":"omnifold.v1.OrderCancelled","data":{"channel":"web","orderId":"1"}}"#;

/// Plays one market, `de`, and notes what is published.
struct Played {
    role: Mutex<Role>,
    lag: Mutex<(u64, f64)>,
    slow: Duration,
    published: Mutex<Vec<FileEvent>>,
}

impl Default for Played {
    fn default() -> Self {
        Played {
            role: Mutex::new(Role::Owner),
            lag: Mutex::default(),
            slow: Duration::ZERO,
            published: Mutex::default(),
        }
    }
}

fn position() -> Standing {
    Standing {
        market: "de".to_owned(),
        incarnation: 1,
        epoch: 7,
        step: 42,
        clock: "2025-06-02T10:00:00Z".to_owned(),
        digest: "00ff".to_owned(),
    }
}

impl Played {
    fn known(&self, market: &str) -> Result<(), MarketsError> {
        match market {
            "de" => Ok(()),
            other => Err(MarketsError::UnknownMarket {
                market: other.to_owned(),
                known: vec!["de".to_owned()],
            }),
        }
    }
}

impl Markets for Played {
    fn status(&self) -> Vec<MarketStatus> {
        let (lag_events, lag_seconds) = *self.lag.lock().expect("not poisoned");
        vec![MarketStatus {
            market: "de".to_owned(),
            role: *self.role.lock().expect("not poisoned"),
            position: Some(position()),
            lag_events,
            lag_seconds,
            stopped_because: None,
        }]
    }

    fn query(&self, market: &str, query: Query) -> Result<Answer, MarketsError> {
        self.known(market)?;
        std::thread::sleep(self.slow);
        match &query {
            Query::Order { order_id, .. } if order_id == "none" => {
                Err(MarketsError::NotFound { what: "order web/none".to_owned() })
            }
            _ => Ok(Answer { position: position(), body: json!(query) }),
        }
    }

    fn verify_state(&self, market: &str) -> Result<StateReport, MarketsError> {
        self.known(market)?;
        Err(MarketsError::NotReady("the market is starting".to_owned()))
    }

    fn verify(&self, market: &str) -> Result<VerifyReport, MarketsError> {
        self.known(market)?;
        Err(MarketsError::Failed("the log is gone".to_owned()))
    }

    fn publish(&self, market: &str, events: Vec<FileEvent>) -> Result<(), MarketsError> {
        self.known(market)?;
        self.published.lock().expect("not poisoned").extend(events);
        Ok(())
    }

    fn records(
        &self,
        market: &str,
        topic: TopicKind,
        from: Option<u64>,
        limit: usize,
    ) -> Result<RecordPage, MarketsError> {
        self.known(market)?;
        let records = (0..limit.min(3)).map(|n| json!({ "offset": n })).collect();
        Ok(RecordPage { topic: topic.name().to_owned(), records, next: from.unwrap_or(3), end: 3 })
    }
}

/// A server on a free port of 127.0.0.1, ended when dropped.
struct Running {
    address: SocketAddr,
    agent: ureq::Agent,
    _stop: oneshot::Sender<()>,
    _runtime: tokio::runtime::Runtime,
}

impl Running {
    fn start(played: Arc<Played>, limits: Limits) -> Running {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let prometheus = Prometheus::detached().expect("fixed bounds");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new(played, prometheus, limits);
        runtime.spawn(server.run(listener, async {
            let _ = stopped.await;
        }));
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Running { address, agent: config.into(), _stop: stop, _runtime: runtime }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        answer(self.agent.get(&url).call().expect("an answer"))
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        answer(self.agent.post(&url).send(body).expect("an answer"))
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().expect("text");
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, value)
}

fn served() -> (Arc<Played>, Running) {
    let played = Arc::new(Played::default());
    (played.clone(), Running::start(played, Limits::default()))
}

#[test]
fn every_answer_about_a_market_carries_its_position() {
    let (_, server) = served();
    for path in [
        "/v1/markets/de",
        "/v1/markets/de/orders/web/1001",
        "/v1/markets/de/decisions/web/1001",
        "/v1/markets/de/fulfilments/web/1001/f1",
        "/v1/markets/de/stock?node=berlin",
    ] {
        let (status, body) = server.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        assert_eq!(body["position"]["epoch"], 7, "{path}: {body}");
    }
    let (_, body) = server.get("/v1/markets");
    assert_eq!(body["markets"][0]["position"]["digest"], "00ff");
}

#[test]
fn the_address_says_what_is_asked_for() {
    let (_, server) = served();
    let body = |path: &str| server.get(path).1["body"].clone();
    assert_eq!(
        body("/v1/markets/de/orders/web/a%20b/c"),
        json!({ "kind": "order", "channel": "web", "order_id": "a b/c" })
    );
    assert_eq!(
        body("/v1/markets/de/fulfilments/web/1001/f2"),
        json!({ "kind": "fulfilment", "id": "web/1001/f2" })
    );
    assert_eq!(
        body("/v1/markets/de/stock?sku=TEA&limit=5"),
        json!({ "kind": "stock", "node": null, "sku": "TEA", "limit": 5 })
    );
}

#[test]
fn a_fault_is_a_problem_document_with_a_stable_type() {
    let (_, server) = served();
    for (path, status, kind) in [
        ("/v1/markets/fr/orders/web/1", 404, "unknown_market"),
        ("/v1/markets/de/orders/web/none", 404, "not_found"),
        ("/v1/markets/de/stock?limit=0", 400, "bad_request"),
        ("/v1/markets/de/stock?limit=99999999", 400, "bad_request"),
        ("/v1/markets/de/stock?colour=red", 400, "bad_request"),
        ("/v1/markets/de/records/nonsense", 400, "bad_request"),
        ("/nowhere", 404, "no_route"),
        ("/v1/markets/de/verify", 405, "no_route"),
    ] {
        let (answered, body) = server.get(path);
        assert_eq!(answered, status, "{path}: {body}");
        assert_eq!(body["type"], format!("urn:omnifold:problem:{kind}"), "{path}");
        assert_eq!(body["status"], status, "{path}");
    }
    assert_eq!(server.post("/v1/markets/de/verify-state", "").0, 503);
    assert_eq!(server.post("/v1/markets/de/verify", "").0, 500);
}

#[test]
fn ready_says_why_not() {
    let (played, server) = served();
    assert_eq!(server.get("/ready").0, 200);
    *played.lag.lock().expect("not poisoned") = (5_000, 90.0);
    let (status, body) = server.get("/ready");
    assert_eq!(status, 503);
    assert!(body["reasons"][0].as_str().expect("text").contains("5000 events"), "{body}");
    *played.role.lock().expect("not poisoned") = Role::Starting;
    assert!(server.get("/ready").1["reasons"][0].as_str().expect("text").contains("starting"));
    assert_eq!(server.get("/health").0, 200, "the process is alive all the same");
}

#[test]
fn events_are_published_all_or_none_unless_asked_otherwise() {
    let (played, server) = served();
    let count = || played.published.lock().expect("not poisoned").len();
    let (status, body) = server.post("/v1/markets/de/events", &format!("{CANCELLED}\n\n"));
    assert_eq!((status, &body["published"]), (200, &json!(1)));
    assert_eq!(count(), 1);

    let mixed = format!("{CANCELLED}\n{{\"name\":\"Ada\"}}\n{CANCELLED}\n");
    let (status, body) = server.post("/v1/markets/de/events", &mixed);
    assert_eq!((status, &body["faults"][0]["line"]), (422, &json!(2)));
    assert!(!body.to_string().contains("Ada"), "values are not repeated: {body}");
    assert_eq!(count(), 1, "nothing of a refused body is published");

    let (status, body) = server.post("/v1/markets/de/events?partial=true", &mixed);
    assert_eq!((status, &body["published"], &body["refused"]), (200, &json!(2), &json!(1)));
    assert_eq!(count(), 3);
    assert_eq!(server.post("/v1/markets/fr/events", CANCELLED).0, 404);
}

#[test]
fn a_body_over_the_bound_is_refused() {
    let played = Arc::new(Played::default());
    let limits = Limits { body_bytes: 200, ..Limits::default() };
    let server = Running::start(played.clone(), limits);
    let (status, body) = server.post("/v1/markets/de/events", &CANCELLED.repeat(3));
    assert_eq!((status, body["type"].as_str()), (413, Some("urn:omnifold:problem:too_large")));
    assert!(played.published.lock().expect("not poisoned").is_empty());
}

#[test]
fn a_request_that_takes_too_long_is_answered_and_does_not_block_health() {
    let played = Arc::new(Played { slow: Duration::from_secs(2), ..Played::default() });
    let limits =
        Limits { request_time: Duration::from_millis(50), requests: 1, ..Limits::default() };
    let server = Running::start(played, limits);
    assert_eq!(server.get("/v1/markets/de/orders/web/1").0, 504);
    assert_eq!(server.get("/health").0, 200);
}

#[test]
fn metrics_are_prometheus_text_and_records_come_in_pages() {
    let (_, server) = served();
    let (status, text) = server.get("/metrics");
    assert_eq!(status, 200);
    let text = text.as_str().expect("text");
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
    let (_, page) = server.get("/v1/markets/de/records/assignments?limit=2");
    assert_eq!(page["records"].as_array().map(Vec::len), Some(2));
}
