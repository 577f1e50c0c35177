"""Program for ../../moving-leaders/client-process.ts with librdkafka through confluent-kafka."""
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from rolling import commit_starts

# The group rebalances, or has done so: what is not committed is read again.
REBALANCED = (KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION, KafkaError.STALE_MEMBER_EPOCH,
              KafkaError.UNKNOWN_MEMBER_ID)
# librdkafka gives up soon when the coordinator moves (see FINDINGS.md). The next commit includes this one.
GIVEN_UP = (KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError._WAIT_COORD)
COMMIT_EVERY_SECONDS = 0.2
# A commit that nobody answers times out after a minute. One that fails earlier was lost with its connection, which
# librdkafka ends if a heartbeat is late (see FINDINGS.md).
ANSWERED_WITHIN_SECONDS = 30
lock = threading.Lock()


def say(*words):
    with lock:
        print(" ".join(str(word) for word in words).replace("\n", " "), flush=True)


def fatal(error):
    """The callback also hears of lost connections, which librdkafka makes again."""
    if error.fatal():
        say("error", "client", error)


class Member(threading.Thread):
    def __init__(self, bootstrap, topic, protocol, number):
        super().__init__(daemon=True)
        self.topic, self.group, self.number = topic, f"{topic}-{protocol}", number
        self.settings = {"bootstrap.servers": bootstrap, "group.id": self.group, "group.protocol": protocol,
                         "auto.offset.reset": "earliest", "enable.auto.commit": False, "error_cb": fatal}
        if protocol == "classic":
            self.settings.update({"session.timeout.ms": 10_000, "heartbeat.interval.ms": 1000})
        self.ending, self.rejoining = threading.Event(), threading.Event()
        self.uncommitted = {}

    def tell(self, what, *words):
        say(what, self.group, self.number, *words)

    def run(self):
        try:
            while not self.ending.is_set():
                self.rejoining.clear()
                self.consume()
        except BaseException as error:
            self.tell("error", repr(error))

    def consume(self):
        self.consumer = Consumer(self.settings)
        self.consumer.subscribe([self.topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost)
        committed = time.monotonic()
        while not self.ending.is_set() and not self.rejoining.is_set():
            self.take()
            if time.monotonic() - committed > COMMIT_EVERY_SECONDS:
                self.commit()
                committed = time.monotonic()
        self.consumer.close()

    def take(self):
        message = self.consumer.poll(0.1)
        if message is None:
            return
        if message.error():
            self.tell("error", message.error())
            return
        self.tell("read", message.partition(), message.offset(), message.key().decode(), message.value().decode())
        self.uncommitted[message.partition()] = message.offset() + 1

    def assigned(self, _, partitions):
        self.tell("assigned", *(each.partition for each in partitions))

    def revoked(self, _, partitions):
        self.commit()
        self.lost(_, partitions)

    def lost(self, _, partitions):
        for each in partitions:
            self.uncommitted.pop(each.partition, None)
        self.tell("revoked", *(each.partition for each in partitions))

    def commit(self):
        if not self.uncommitted:
            return
        offsets = [TopicPartition(self.topic, partition, offset) for partition, offset in self.uncommitted.items()]
        started = time.monotonic()
        try:
            self.consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as failure:
            error = failure.args[0]
            is_lost = error.code() == KafkaError._TIMED_OUT and time.monotonic() - started < ANSWERED_WITHIN_SECONDS
            self.tell("uncommitted" if error.code() in REBALANCED + GIVEN_UP or is_lost else "error", "commit:", error)
            return
        for each in offsets:
            self.tell("committed", each.partition, each.offset)
        self.uncommitted.clear()


def produce(bootstrap, topic, rate, producing):
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "error_cb": fatal})
    number = 0

    def delivered(error, message):
        key, value = message.key().decode(), message.value().decode()
        if error:
            say("failed", key, value, error)
        else:
            say("acked", message.partition(), message.offset(), key, value)

    while producing.is_set():
        producer.produce(topic, key=f"k{number % 32}", value=str(number), on_delivery=delivered)
        number += 1
        producer.poll(0)
        time.sleep(1 / int(rate))
    producer.flush()
    say("produced", number)


def moving_leaders(bootstrap, topic, protocols, rate):
    for protocol in protocols.split(","):
        commit_starts(bootstrap, topic, f"{topic}-{protocol}")
    members = [Member(bootstrap, topic, protocol, i) for protocol in protocols.split(",") for i in range(2)]
    producing = threading.Event()
    producing.set()
    producer = threading.Thread(target=produce, args=(bootstrap, topic, rate, producing), daemon=True)
    for thread in [*members, producer]:
        thread.start()
    for line in sys.stdin:
        if line == "stop\n":
            producing.clear()
        elif line == "end\n":
            break
        else:
            _, group, number = line.split()
            next(each for each in members if (each.group, str(each.number)) == (group, number)).rejoining.set()
    producing.clear()
    for member in members:
        member.ending.set()
    for thread in [*members, producer]:
        thread.join()
    say("ended")
