"""Verbs of ../transactions/copy-process.ts with kafka-python."""
import json
import os
import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

MAX_RECORDS = 20


def say(did, **more):
    print(json.dumps({"did": did, **more}), flush=True)


class Copy:
    def __init__(self, bootstrap, source, output, group, transactional_id, count, abort_every, hold_at, session_ms):
        self.source, self.output, self.count = source, output, int(count)
        self.abort_every, self.hold_at = int(abort_every), int(hold_at)
        self.consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, isolation_level="read_committed",
                                      auto_offset_reset="earliest", enable_auto_commit=False,
                                      session_timeout_ms=int(session_ms), heartbeat_interval_ms=int(session_ms) // 5,
                                      max_poll_records=MAX_RECORDS)
        self.producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)

    def run(self):
        self.producer.init_transactions()
        say("ready")
        self.consumer.subscribe([self.source])
        committed = transaction = 0
        while committed < self.count:
            records = self.consumer.poll(200)
            count = sum(len(each) for each in records.values())
            if not count:
                continue
            if self.transact(transaction, records, count):
                did = "committed"
                committed += count
            else:
                did = "aborted"
                for partition, own in records.items():
                    self.consumer.seek(partition, own[0].offset)
            say(did, transaction=transaction, count=count)
            transaction += 1
        self.consumer.close()
        self.producer.close()

    def transact(self, transaction, records, count):
        """False: it was aborted, on purpose or because the group rebalances."""
        self.producer.begin_transaction()
        try:
            sent = [self.producer.send(self.output, key=each.key, partition=each.partition,
                                       value=f"{each.value.decode()} {os.getpid()} {transaction}".encode())
                    for own in records.values() for each in own]
            self.producer.flush()
            for each in sent:
                each.get(60)
            offsets = {partition: OffsetAndMetadata(own[-1].offset + 1, "", -1) for partition, own in records.items()}
            self.producer.send_offsets_to_transaction(offsets, self.consumer.group_metadata())
            if transaction == self.hold_at:
                say("held", transaction=transaction, count=count)
                sys.stdin.readline()
            if self.abort_every == 0 or transaction % self.abort_every != self.abort_every - 1:
                self.producer.commit_transaction()
                return True
        except (CommitFailedError, RebalanceInProgressError) as failure:
            print(repr(failure), file=sys.stderr)
        self.producer.abort_transaction()
        return False


def copy(*arguments):
    try:
        Copy(*arguments).run()
    except KafkaError as failure:
        say("failed", error=type(failure).__name__, why=str(failure))
        os._exit(1)  # its threads would wait for the transaction


def read(bootstrap, topic, partitions):
    for isolation in ("read_committed", "read_uncommitted"):
        consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest",
                                 group_id=None, consumer_timeout_ms=20_000)
        consumer.assign([TopicPartition(topic, partition) for partition in range(int(partitions))])
        ended = 0
        for message in consumer:
            value = message.value.decode()
            if value != "end":
                print(json.dumps({"isolation": isolation, "partition": message.partition, "value": value}))
                continue
            ended += 1
            if ended == int(partitions):
                break
        if ended < int(partitions):
            raise SystemExit(f"{ended} of {partitions} partitions ended")
        consumer.close()
