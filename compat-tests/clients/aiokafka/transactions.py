"""Verbs of ../transactions/copy-process.ts with aiokafka."""
import asyncio
import json
import os
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

MAX_RECORDS = 20


def say(did, **more):
    print(json.dumps({"did": did, **more}), flush=True)


class Copy(ConsumerRebalanceListener):
    def __init__(self, bootstrap, source, output, group, transactional_id, count, abort_every, hold_at, session_ms):
        self.source, self.output, self.group, self.count = source, output, group, int(count)
        self.abort_every, self.hold_at = int(abort_every), int(hold_at)
        self.consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, isolation_level="read_committed",
                                         auto_offset_reset="earliest", enable_auto_commit=False,
                                         session_timeout_ms=int(session_ms),
                                         heartbeat_interval_ms=int(session_ms) // 5)
        self.producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)
        # The client rebalances in the background, and its offsets go without the group's generation: a transaction ends
        # before its partitions do.
        self.owns = asyncio.Lock()

    async def on_partitions_revoked(self, revoked):
        async with self.owns:
            pass

    async def on_partitions_assigned(self, assigned):
        pass

    async def run(self):
        await self.producer.start()
        say("ready")
        self.consumer.subscribe([self.source], listener=self)
        await self.consumer.start()
        committed = transaction = 0
        while committed < self.count:
            async with self.owns:
                records = await self.consumer.getmany(timeout_ms=200, max_records=MAX_RECORDS)
                count = sum(len(each) for each in records.values())
                if not count:
                    continue
                if await self.transact(transaction, records, count):
                    did = "committed"
                    committed += count
                else:
                    did = "aborted"
                    for partition, own in records.items():
                        self.consumer.seek(partition, own[0].offset)
            say(did, transaction=transaction, count=count)
            transaction += 1
        await self.consumer.stop()
        await self.producer.stop()

    async def transact(self, transaction, records, count):
        """False: it was aborted on purpose."""
        await self.producer.begin_transaction()
        sent = [await self.producer.send(self.output, key=each.key, partition=each.partition,
                                         value=f"{each.value.decode()} {os.getpid()} {transaction}".encode())
                for own in records.values() for each in own]
        await asyncio.gather(*sent)
        offsets = {partition: own[-1].offset + 1 for partition, own in records.items()}
        await self.producer.send_offsets_to_transaction(offsets, self.group)
        if transaction == self.hold_at:
            say("held", transaction=transaction, count=count)
            await asyncio.to_thread(sys.stdin.readline)
        if self.abort_every == 0 or transaction % self.abort_every != self.abort_every - 1:
            await self.producer.commit_transaction()
            return True
        await self.producer.abort_transaction()
        return False


async def copy(*arguments):
    try:
        await Copy(*arguments).run()
    except KafkaError as failure:
        say("failed", error=type(failure).__name__, why=str(failure))
        os._exit(1)  # its tasks would wait for the transaction


async def read(bootstrap, topic, partitions):
    for isolation in ("read_committed", "read_uncommitted"):
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest",
                                    group_id=None)
        await consumer.start()
        consumer.assign([TopicPartition(topic, partition) for partition in range(int(partitions))])
        ended = 0
        while ended < int(partitions):
            message = await asyncio.wait_for(consumer.getone(), 20)
            value = message.value.decode()
            if value == "end":
                ended += 1
            else:
                print(json.dumps({"isolation": isolation, "partition": message.partition, "value": value}))
        await consumer.stop()
