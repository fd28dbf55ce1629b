//! The settings of the broker: one node, small, quick to start, and quick to notice a fault.

use std::path::Path;

/// Any cluster id will do; it must be the base64 of 16 bytes.
pub(crate) const CLUSTER_ID: &str = "omnifoldomnifoldomni1Q";

/// `server.properties` of a broker on these ports. Later lines win, so `extra` overrides.
pub(crate) fn server_properties(
    data: &Path,
    port: u16,
    controller_port: u16,
    extra: &[(String, String)],
) -> String {
    let mut text = format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
{FIXED}",
        data = data.display()
    );
    for (name, value) in extra {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}

/// * Internal topics have few partitions: each costs files and start-up time.
/// * A killed broker may register again only when its old session has timed out, hence 3 s.
/// * The cleaner's buffer is 128 MB by default, a quarter of the heap given here.
/// * Transactions left open are looked for every second instead of every ten.
const FIXED: &str = "offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
";

/// Log4j settings: warnings and worse, to the broker's own log file.
pub(crate) const LOGGING: &str = "status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
";
