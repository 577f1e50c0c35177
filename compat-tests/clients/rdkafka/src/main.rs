// Client for ../matrix/matrix-client.ts with librdkafka through rdkafka.
use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, DefaultConsumerContext};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::ClientContext;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(bootstrap: &str, settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

#[derive(Default)]
struct Delivered(AtomicUsize);

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, _)) = result {
            panic!("{error}");
        }
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn produce(bootstrap: &str, topic: &str, codec: &str, count: usize) {
    let settings = [("compression.type", codec), ("linger.ms", "20"), ("enable.idempotence", "true")];
    let producer: BaseProducer<Delivered> =
        config(bootstrap, &settings).create_with_context(Delivered::default()).unwrap();
    for i in 0..count {
        let (key, value, index) = (format!("key-{i}"), format!("{i}:{}", "x".repeat(i % 100)), i.to_string());
        let headers = OwnedHeaders::new().insert(Header { key: "index", value: Some(&index) });
        producer.send(BaseRecord::to(topic).key(&key).payload(&value).headers(headers)).map_err(|(e, _)| e).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(producer.context().0.load(Ordering::Relaxed), count);
}

fn consume(bootstrap: &str, topic: &str, group: &str, count: usize) {
    let settings = [("group.id", group), ("auto.offset.reset", "earliest"), ("enable.auto.commit", "false")];
    let consumer: BaseConsumer<DefaultConsumerContext> = config(bootstrap, &settings).create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    for seen in 0..count {
        let message = next(&consumer).unwrap_or_else(|| panic!("{seen} of {count} messages"));
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
        println!(
            "{{\"key\":\"{}\",\"value\":\"{}\",\"index\":\"{}\"}}",
            text(message.key()),
            text(message.payload()),
            text(message.headers().map_or(Some(&[]), |headers| headers.get(0).value)),
        );
    }
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
}

/// A poll also returns nothing when the group has rebalanced.
fn next(consumer: &BaseConsumer<DefaultConsumerContext>) -> Option<BorrowedMessage<'_>> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(message) = consumer.poll(end - Instant::now()) {
            return Some(message.unwrap());
        }
    }
    None
}

fn admin(bootstrap: &str, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = config(bootstrap, &[]).create().unwrap();
    let options = AdminOptions::new();
    let wanted = NewTopic::new(topic, 3, TopicReplication::Fixed(1)).set("retention.ms", "9223372036854775807");
    block_on(admin.create_topics([&wanted], &options)).unwrap().remove(0).unwrap();
    let metadata = admin.inner().fetch_metadata(Some(topic), PATIENCE).unwrap();
    let partitions = metadata.topics()[0].partitions().len();
    block_on(admin.delete_topics(&[topic], &options)).unwrap().remove(0).unwrap();
    let listed = admin.inner().fetch_metadata(None, PATIENCE).unwrap().topics().iter().any(|one| one.name() == topic);
    println!("{{\"partitions\":{partitions},\"listed\":{listed}}}");
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| args[index].parse().unwrap();
    match args[0].as_str() {
        "produce" => produce(&args[1], &args[2], &args[3], number(4)),
        "consume" => consume(&args[1], &args[2], &args[3], number(4)),
        "admin" => admin(&args[1], &args[2]),
        verb => panic!("{verb}"),
    }
}
