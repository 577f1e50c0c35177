"""Restarts the consumers of a group one after the other while a producer keeps sending; see ../matrix/matrix-client.ts."""
import threading
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

DEADLINE = time.monotonic() + 90
# A rebalance may overtake a commit although the member keeps its partitions: the commit is tried again after it.
WAITING_FOR_A_REBALANCE = (KafkaError.REBALANCE_IN_PROGRESS, KafkaError.ILLEGAL_GENERATION, KafkaError.STALE_MEMBER_EPOCH)


class Member(threading.Thread):
    """Processes, commits, and only then goes on: after a clean close no record is lost or processed twice."""

    def __init__(self, settings, topic, processed):
        super().__init__(daemon=True)
        self.consumer = Consumer(settings)
        self.topic, self.processed = topic, processed
        self.closing = threading.Event()
        self.uncommitted = {}
        self.assigned = 0
        self.error = None

    def run(self):
        try:
            self.consumer.subscribe([self.topic], on_revoke=self.give_up, on_lost=self.give_up)
            while not self.closing.is_set():
                self.take()
                while not self.commit():
                    # Read little more until the processed records are committed or their partitions have moved: the
                    # new records are of partitions assigned during this poll.
                    self.consumer.pause(self.consumer.assignment())
                    self.take()
                    self.consumer.resume(self.consumer.assignment())
                self.assigned = len(self.consumer.assignment())
            self.consumer.close()
        except BaseException as error:
            self.error = error
        self.assigned = 0

    def take(self):
        message = self.consumer.poll(0.05)
        if message is None:
            return
        if message.error():
            raise KafkaException(message.error())
        self.processed.setdefault(int(message.value()), []).append(message.offset())
        self.uncommitted[message.partition()] = message.offset() + 1

    def give_up(self, _, partitions):
        self.commit()
        for partition in partitions:
            self.uncommitted.pop(partition.partition, None)

    def commit(self):
        if not self.uncommitted:
            return True
        offsets = [TopicPartition(self.topic, partition, offset) for partition, offset in self.uncommitted.items()]
        try:
            self.consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as failure:
            if failure.args[0].code() in WAITING_FOR_A_REBALANCE:
                return False
            raise
        self.uncommitted.clear()
        return True

    def end(self):
        self.closing.set()
        self.join()


def until(condition, members, what):
    while not condition():
        for member in members:
            if member.error is not None:
                raise member.error
        if time.monotonic() > DEADLINE:
            raise SystemExit(f"waited too long until {what}: {[member.assigned for member in members]}")
        time.sleep(0.02)


def commit_starts(bootstrap, topic, group):
    """
    Commits the start of each partition for a group. Of a partition without a committed offset librdkafka asks for the
    first one, and when rebalances follow each other it may ask again half a second later, and go back (seen with 2.16.0).
    """
    admin = AdminClient({"bootstrap.servers": bootstrap})
    starts = [TopicPartition(topic, partition, 0) for partition in admin.list_topics(topic, 10).topics[topic].partitions]
    for result in admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, starts)]).values():
        result.result(30)


def rolling(bootstrap, topic, count, *settings):
    common = {"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest",
              "enable.auto.commit": False, **dict(each.split("=", 1) for each in settings)}
    if common.get("group.protocol") != "consumer":
        common["heartbeat.interval.ms"] = 300
    commit_starts(bootstrap, topic, topic)
    processed, sent, members = {}, [0], []
    producing = threading.Event()
    producing.set()

    def produce():
        producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
        while producing.is_set():
            producer.produce(topic, key=str(sent[0]), value=str(sent[0]))
            sent[0] += 1
            producer.flush()

    def start(i):
        own = {name: str(value).replace("#", str(i)) for name, value in common.items()}
        member = Member({"client.id": f"{topic}-{i}", **own}, topic, processed)
        member.start()
        return member

    def all_have_partitions():
        return all(member.assigned for member in members)

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    members = [start(i) for i in range(int(count))]
    until(all_have_partitions, members, "every member has partitions")
    for i in range(len(members)):
        members[i].end()
        if members[i].error is not None:
            raise members[i].error
        members[i] = start(i)
    until(all_have_partitions, members, "every member has partitions again")
    producing.clear()
    producer.join()
    until(lambda: len(processed) == sent[0], members, "everything is processed")
    for member in members:
        member.end()
    twice = sum(len(times) > 1 for times in processed.values())
    print(f"{topic} sent={sent[0]} processed={len(processed)} twice={twice}")
