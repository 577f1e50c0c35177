"""Verb of ../../histories/history-process.ts with librdkafka through confluent-kafka."""
import json
import os
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from transactions import say

PATIENCE_SECONDS = 60
FIRST_WAIT_SECONDS = 0.2


class PollFailed(Exception):
    """An error that is not about the producer."""


class History:
    def __init__(self, bootstrap, topic, partitions, transactional_id, transaction_timeout_ms):
        self.topic = topic
        self.producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id,
                                  "transaction.timeout.ms": int(transaction_timeout_ms)})
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "isolation.level": "read_committed",
                                  "auto.offset.reset": "error", "enable.auto.commit": False})
        self.consumer.assign([TopicPartition(topic, partition, 0) for partition in range(int(partitions))])
        self.done = []

    def run(self):
        patiently(self.producer.init_transactions)
        say("ready")
        for line in sys.stdin:
            try:
                self.transact(**json.loads(line))
            except KafkaException as failure:
                say("unknown", error=name(failure), why=str(failure), ops=self.done)
                os._exit(1)

    def transact(self, ops, end):
        """Raises if it is unknown how the transaction ended."""
        self.done, error = [], {}
        try:
            self.producer.begin_transaction()
            for op in ops:
                self.done.append(self.perform(op))
            self.producer.flush(PATIENCE_SECONDS)
            if end == "commit":
                patiently(self.producer.commit_transaction)
                say("committed", ops=self.done)
                return
        except KafkaException as failure:
            # A fatal error has its name only in the answer to the abort.
            if not failure.args[0].txn_requires_abort() and failure.args[0].code() != KafkaError._FATAL:
                raise
            error = {"error": name(failure), "why": str(failure)}
        patiently(self.producer.abort_transaction)
        say("aborted", ops=self.done, **error)

    def perform(self, op):
        return {"sent": self.send(**op["send"])} if "send" in op else {"polled": self.poll(op["poll"])}

    def send(self, partition, value):
        """The offset is added once it is known."""
        sent = {"partition": partition, "value": value}

        def delivered(error, message):
            if not error:
                sent["offset"] = message.offset()

        self.producer.produce(self.topic, value=value, partition=partition, on_delivery=delivered)
        return sent

    def poll(self, count):
        polled = []
        while len(polled) < count:
            message = self.consumer.poll(0 if polled else FIRST_WAIT_SECONDS)
            if message is None or message.error() and message.error().retriable():
                break
            if message.error():
                raise PollFailed(message.error())
            polled.append({"partition": message.partition(), "offset": message.offset(), "value": message.value().decode()})
        return polled


def patiently(operation):
    """Calls it again, for a minute, after errors that the client calls retriable."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return operation(max(end - time.monotonic(), 0))
        except KafkaException as failure:
            if not failure.args[0].retriable() or time.monotonic() > end:
                raise
            print(failure, file=sys.stderr)


def name(failure):
    return failure.args[0].name()


def history(*arguments):
    try:
        History(*arguments).run()
    except (PollFailed, KafkaException) as failure:
        say("failed", error=name(failure), why=str(failure))
        os._exit(1)
    os._exit(0)  # its threads would wait for the transaction
