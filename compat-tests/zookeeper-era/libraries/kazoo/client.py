"""See ../README.md."""
import json
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError

address, topic = sys.argv[1:]
client = KazooClient(hosts=address)
client.start()

brokers = [json.loads(client.get("/brokers/ids/" + each)[0]) for each in client.get_children("/brokers/ids")]
print("brokers", ",".join(endpoint for broker in brokers for endpoint in broker["endpoints"]))

client.ensure_path("/kazoo/deep")
made = [client.create("/kazoo/deep/n-", b"x", ephemeral=True, sequence=True) for _ in range(2)]
print("numbered", ",".join(str(int(path[-10:])) for path in made))

client.set("/kazoo", b"one")
try:
    client.set("/kazoo", b"two", version=0)
    print("taken")
except BadVersionError:
    print("refused")

transaction = client.transaction()
transaction.check("/kazoo", 1)
transaction.create("/kazoo/a", b"1")
transaction.set_data("/kazoo/a", b"2")
transaction.delete("/kazoo/a")
results = transaction.commit()
print("together" if not any(isinstance(each, Exception) for each in results) else results)

# A recipe that stands on ephemeral sequential nodes and watches.
with client.Lock("/kazoo/lock", "me"):
    pass

seen = threading.Event()
client.get_children("/brokers/topics", watch=lambda event: seen.set())
client.create("/brokers/topics/" + topic, b'{"version":1,"partitions":{"0":[1]}}')
assert seen.wait(10), "no event"
print("topics", ",".join(sorted(client.get_children("/brokers/topics"))))
client.delete("/kazoo", recursive=True)
client.stop()
client.close()
