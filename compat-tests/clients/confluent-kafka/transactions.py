"""Verbs of ../transactions/copy-process.ts with librdkafka through confluent-kafka."""
import json
import os
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

MAX_RECORDS = 20
# With the default a producer hangs after its only broker was killed: see FINDINGS.md.
RECOVERY = {"metadata.recovery.strategy": "none"}


def say(did, **more):
    print(json.dumps({"did": did, **more}), flush=True)


class Copy:
    def __init__(self, bootstrap, source, output, group, transactional_id, count, abort_every, hold_at, session_ms, *settings):
        self.source, self.output, self.count = source, output, int(count)
        self.abort_every, self.hold_at = int(abort_every), int(hold_at)
        own = {"session.timeout.ms": int(session_ms), "heartbeat.interval.ms": int(session_ms) // 5}
        if settings:  # of the consumer protocol, which has those of the broker instead
            own = dict(each.split("=", 1) for each in settings)
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "isolation.level": "read_committed",
                                  "auto.offset.reset": "earliest", "enable.auto.commit": False, **own, **RECOVERY})
        self.producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id, "linger.ms": 0,
                                  **RECOVERY})
        self.records = []

    def run(self):
        self.producer.init_transactions(60)
        say("ready")
        self.consumer.subscribe([self.source], on_revoke=self.revoked, on_lost=self.revoked)
        committed = transaction = 0
        while committed < self.count:
            self.poll()
            if not self.records:
                continue
            if self.transact(transaction):
                did = "committed"
                committed += len(self.records)
            else:
                did = "aborted"
                self.rewind()
            say(did, transaction=transaction, count=len(self.records))
            transaction += 1
        self.consumer.close()

    def poll(self):
        """A rebalance in one of these calls takes records back that another call returned."""
        self.records = []
        while len(self.records) < MAX_RECORDS:
            message = self.consumer.poll(0 if self.records else 0.2)
            if message is None:
                return
            if message.error():
                raise KafkaException(message.error())
            self.records.append(message)

    def revoked(self, _, partitions):
        gone = {each.partition for each in partitions}
        self.records = [each for each in self.records if each.partition() not in gone]

    def transact(self, transaction):
        """False: it was aborted, on purpose or because the group rebalances."""
        self.producer.begin_transaction()
        try:
            for each in self.records:
                value = f"{each.value().decode()} {os.getpid()} {transaction}"
                self.producer.produce(self.output, key=each.key(), value=value, partition=each.partition())
            self.producer.flush()
            ends = {each.partition(): each.offset() + 1 for each in self.records}
            offsets = [TopicPartition(self.source, *end) for end in ends.items()]
            patiently(self.producer.send_offsets_to_transaction, offsets, self.consumer.consumer_group_metadata())
            if transaction == self.hold_at:
                say("held", transaction=transaction, count=len(self.records))
                sys.stdin.readline()
            if self.abort_every == 0 or transaction % self.abort_every != self.abort_every - 1:
                patiently(self.producer.commit_transaction)
                return True
        except KafkaException as failure:
            if not failure.args[0].txn_requires_abort():
                raise
            print(failure, file=sys.stderr)
        patiently(self.producer.abort_transaction)
        return False

    def rewind(self):
        starts = {each.partition(): each.offset() for each in reversed(self.records)}
        for partition, offset in starts.items():
            self.consumer.seek(TopicPartition(self.source, partition, offset))


def patiently(operation, *arguments):
    while True:
        try:
            return operation(*arguments)
        except KafkaException as failure:
            if not failure.args[0].retriable():
                raise


def copy(*arguments):
    try:
        Copy(*arguments).run()
    except KafkaException as failure:
        say("failed", error=failure.args[0].name(), why=str(failure))
        sys.exit(1)


def read(bootstrap, topic, partitions):
    for isolation in ("read_committed", "read_uncommitted"):
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "isolation.level": isolation})
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(int(partitions))])
        ended = 0
        while ended < int(partitions):
            message = consumer.poll(20)
            if message is None or message.error():
                raise SystemExit(f"no message: {message and message.error()}")
            value = message.value().decode()
            if value == "end":
                ended += 1
            else:
                print(json.dumps({"isolation": isolation, "partition": message.partition(), "value": value}))
        consumer.close()
