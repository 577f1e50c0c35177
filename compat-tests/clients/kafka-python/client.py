"""Client for ../matrix/matrix-client.ts with kafka-python."""
import json
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from history import history  # noqa: F401, a verb like those below
from transactions import copy, read  # noqa: F401


def produce(bootstrap, topic, codec, count):
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec,
                             linger_ms=20, acks="all")
    sent = [producer.send(topic, key=f"key-{i}".encode(), value=f"{i}:{'x' * (i % 100)}".encode(),
                          headers=[("index", str(i).encode())]) for i in range(int(count))]
    producer.flush(20)
    for future in sent:
        future.get(20)
    producer.close()


def consume(bootstrap, topic, group, count):
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                             enable_auto_commit=False, consumer_timeout_ms=20000)
    seen = 0
    for message in consumer:
        headers = dict(message.headers)
        print(json.dumps({"key": message.key.decode(), "value": message.value.decode(),
                          "index": headers.get("index", b"").decode()}))
        seen += 1
        if seen == int(count):
            break
    if seen < int(count):
        raise SystemExit(f"{seen} of {count} messages")
    consumer.commit()
    consumer.close()


def admin(bootstrap, topic):
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_topics([NewTopic(topic, 3, 1, topic_configs={"retention.ms": "9223372036854775807"})])
    partitions = len(client.describe_topics([topic])[0]["partitions"])
    client.delete_topics([topic])
    print(json.dumps({"partitions": partitions, "listed": topic in client.list_topics()}))
    client.close()


globals()[sys.argv[1]](*sys.argv[2:])
