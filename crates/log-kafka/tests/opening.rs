//! What is said when a log cannot be opened.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use omnifold_log::LogError;
use omnifold_log_kafka::{KafkaLog, KafkaOptions};

fn fault(options: KafkaOptions) -> LogError {
    KafkaLog::connect(options).err().expect("the log does not open")
}

fn options(address: impl Into<String>, properties: &[(&str, &str)]) -> KafkaOptions {
    let mut options = KafkaOptions::new(address);
    options.request_timeout = Duration::from_secs(5);
    for (name, value) in properties {
        options.properties.insert((*name).to_owned(), (*value).to_owned());
    }
    options
}

#[test]
fn an_unreachable_broker_is_named_in_bounded_time() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let began = Instant::now();
    let fault = fault(options(free.to_string(), &[]));
    assert!(began.elapsed() < Duration::from_secs(8), "took {:?}", began.elapsed());
    assert!(matches!(fault, LogError::Unavailable { .. }), "{fault:?}");
    let text = fault.to_string();
    assert!(text.contains(&free.to_string()) && text.contains("refused"), "{text}");
}

#[test]
fn settings_that_break_the_rules_are_refused_all_at_once() {
    let fault = fault(options(
        "127.0.0.1:1",
        &[("enable.idempotence", "false"), ("auto.offset.reset", "earliest"), ("acks", "1")],
    ));
    assert!(matches!(fault, LogError::Configuration(_)), "{fault:?}");
    let text = fault.to_string();
    for part in ["enable.idempotence=false", "auto.offset.reset=earliest", "acks=1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn unknown_properties_and_bad_values_are_named_all_at_once() {
    let fault = fault(options(
        "127.0.0.1:1",
        &[("no.such.property", "1"), ("security.protocol", "TLS9"), ("linger.ms", "soon")],
    ));
    assert!(matches!(fault, LogError::Configuration(_)), "{fault:?}");
    let text = fault.to_string();
    for part in ["no.such.property", "security.protocol", "linger.ms"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn tls_and_sasl_settings_reach_the_client() {
    let missing = [("security.protocol", "SSL"), ("ssl.ca.location", "no-such-folder/ca.pem")];
    let text = fault(options("127.0.0.1:1", &missing)).to_string();
    assert!(text.contains("ca.pem") || text.contains("ssl.ca.location"), "{text}");
    let mechanism = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "NOPE")];
    let text = fault(options("127.0.0.1:1", &mechanism)).to_string();
    assert!(text.contains("NOPE"), "{text}");
}

#[test]
fn a_broker_that_does_not_speak_tls_is_told_from_one_that_is_away() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let fault = fault(options(broker.address(), &[("security.protocol", "SSL")]));
    let text = fault.to_string();
    assert!(text.contains(&broker.address()) && text.to_uppercase().contains("SSL"), "{text}");
    KafkaLog::connect(options(broker.address(), &[("security.protocol", "PLAINTEXT")]))
        .expect("without TLS it opens");
}
