"""Client for ../matrix/matrix-client.ts with aiokafka."""
import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from transactions import copy, read  # noqa: F401, verbs like those below


async def produce(bootstrap, topic, codec, count):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec,
                                linger_ms=20, enable_idempotence=True)
    await producer.start()
    sent = [await producer.send(topic, key=f"key-{i}".encode(), value=f"{i}:{'x' * (i % 100)}".encode(),
                                headers=[("index", str(i).encode())]) for i in range(int(count))]
    await asyncio.wait_for(asyncio.gather(*sent), 20)
    await producer.stop()


async def consume(bootstrap, topic, group, count):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                                enable_auto_commit=False)
    await consumer.start()
    for _ in range(int(count)):
        message = await asyncio.wait_for(consumer.getone(), 20)
        headers = dict(message.headers)
        print(json.dumps({"key": message.key.decode(), "value": message.value.decode(),
                          "index": headers.get("index", b"").decode()}))
    await consumer.commit()
    await consumer.stop()


async def admin(bootstrap, topic):
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    await client.create_topics([NewTopic(topic, 3, 1, topic_configs={"retention.ms": "9223372036854775807"})])
    partitions = len((await client.describe_topics([topic]))[0]["partitions"])
    await client.delete_topics([topic])
    print(json.dumps({"partitions": partitions, "listed": topic in await client.list_topics()}))
    await client.close()


asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
