"""Client for ../matrix/matrix-client.ts with librdkafka through confluent-kafka."""
import json
import sys

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from history import history  # noqa: F401, a verb like those below
from moving_leaders import moving_leaders  # noqa: F401
from rolling import rolling  # noqa: F401
from transactions import copy, read  # noqa: F401


def produce(bootstrap, topic, codec, count):
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 20, "acks": "all",
                         "enable.idempotence": True})
    for i in range(int(count)):
        producer.produce(topic, key=f"key-{i}", value=f"{i}:{'x' * (i % 100)}", headers={"index": str(i)},
                         on_delivery=lambda error, _: failures.append(error) if error else None)
        producer.poll(0)
    left = producer.flush(20)
    if failures or left:
        raise SystemExit(f"{left} not sent, failures: {failures[:3]}")


def consume(bootstrap, topic, group, count):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False})
    consumer.subscribe([topic])
    for _ in range(int(count)):
        message = consumer.poll(20)
        if message is None or message.error():
            raise SystemExit(f"no message: {message and message.error()}")
        headers = dict(message.headers() or [])
        print(json.dumps({"key": message.key().decode(), "value": message.value().decode(),
                          "index": headers.get("index", b"").decode()}))
    consumer.commit(asynchronous=False)
    consumer.close()


def admin(bootstrap, topic):
    client = AdminClient({"bootstrap.servers": bootstrap})
    client.create_topics([NewTopic(topic, 3, 1, config={"retention.ms": "9223372036854775807"})])[topic].result(10)
    partitions = len(client.list_topics(topic, 10).topics[topic].partitions)
    resource = ConfigResource(ResourceType.TOPIC, topic)
    retention = client.describe_configs([resource])[resource].result(10)["retention.ms"].value
    client.delete_topics([topic])[topic].result(10)
    print(json.dumps({"partitions": partitions, "retention": retention,
                      "listed": topic in client.list_topics(timeout=10).topics}))


globals()[sys.argv[1]](*sys.argv[2:])
