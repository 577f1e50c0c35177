"""Verb of ../../histories/history-process.ts with kafka-python."""
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from transactions import say

PATIENCE_SECONDS = 60
FIRST_WAIT_MS = 200


class PollFailed(Exception):
    """An error that is not about the producer."""


class History:
    def __init__(self, bootstrap, topic, partitions, transactional_id, transaction_timeout_ms):
        self.topic = topic
        brokers = {"bootstrap_servers": bootstrap, "bootstrap_timeout_ms": PATIENCE_SECONDS * 1000}
        self.producer = KafkaProducer(**brokers, transactional_id=transactional_id,
                                      transaction_timeout_ms=int(transaction_timeout_ms))
        self.consumer = KafkaConsumer(**brokers, group_id=None, isolation_level="read_committed",
                                      auto_offset_reset="none", enable_auto_commit=False)
        own = [TopicPartition(topic, partition) for partition in range(int(partitions))]
        self.consumer.assign(own)
        for partition in own:
            self.consumer.seek(partition, 0)
        self.sent, self.done = [], []
        self.thread = ThreadPoolExecutor(1)

    def run(self):
        self.producer.init_transactions()
        say("ready")
        for line in sys.stdin:
            try:
                self.transact(**json.loads(line))
            except (KafkaError, TimeoutError) as failure:
                say("unknown", ops=self.done, **described(failure))
                os._exit(1)

    def transact(self, ops, end):
        """Raises if it is unknown how the transaction ended."""
        self.sent, self.done, failure = [], [], None
        try:
            self.producer.begin_transaction()
            for op in ops:
                self.done.append(self.perform(op))
            self.flush()
            if end == "commit":
                self.patiently(self.producer.commit_transaction)
                say("committed", ops=self.done)
                return
        except KafkaError as raised:
            failure = raised
        self.abort(failure)

    def abort(self, failure):
        """After a fatal error the client refuses to abort, without the name of that error."""
        try:
            self.patiently(self.producer.abort_transaction)
        except KafkaError as refusal:
            raise failure or refusal
        say("aborted", ops=self.done, **described(failure))

    def patiently(self, operation):
        """The client would wait for its answer without end."""
        self.thread.submit(operation).result(PATIENCE_SECONDS)

    def perform(self, op):
        return {"sent": self.send(**op["send"])} if "send" in op else {"polled": self.poll(op["poll"])}

    def send(self, partition, value):
        sent = {"partition": partition, "value": value}
        self.sent.append((sent, self.producer.send(self.topic, value=value.encode(), partition=partition)))
        return sent

    def flush(self):
        self.producer.flush(PATIENCE_SECONDS)
        for sent, future in self.sent:
            sent["offset"] = future.get(PATIENCE_SECONDS).offset

    def poll(self, count):
        try:
            polled = self.consumer.poll(FIRST_WAIT_MS, count)
        except KafkaError as failure:
            if not failure.retriable:
                raise PollFailed(failure) from failure
            print(repr(failure), file=sys.stderr)
            return []
        return [{"partition": each.partition, "offset": each.offset, "value": each.value.decode()}
                for own in polled.values() for each in own]


def described(failure):
    """The client wraps the error that made a transaction fail."""
    if failure is None:
        return {}
    cause = next((each for each in failure.args if isinstance(each, Exception)), failure)
    return {"error": type(cause).__name__, "why": str(cause)}


def history(*arguments):
    try:
        History(*arguments).run()
    except (PollFailed, KafkaError) as failure:
        say("failed", **described(failure))
        os._exit(1)
    os._exit(0)  # its threads would wait for the transaction
