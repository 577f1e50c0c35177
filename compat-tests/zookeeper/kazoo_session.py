"""What kazoo sees of a ZooKeeper server, one JSON line each: kazoo_session.py HOST:PORT."""
import json
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.security import make_digest_acl

HOSTS = sys.argv[1]
WAIT = 20


def say(what, result):
    print(json.dumps([what, result], default=repr), flush=True)


def tried(what, function, *args, **kwargs):
    try:
        result = function(*args, **kwargs)
        say(what, result.decode() if isinstance(result, bytes) else result)
        return result
    except KazooException as error:
        say(what, type(error).__name__)


def short(stat):
    return stat and [stat.version, stat.cversion, stat.aversion, stat.dataLength, stat.numChildren, stat.ephemeralOwner != 0]


client = KazooClient(hosts=HOSTS, timeout=10)
client.start(timeout=WAIT)
other = KazooClient(hosts=HOSTS, timeout=10)
other.start(timeout=WAIT)

tried("ensure path", client.ensure_path, "/kazoo/a/b")
tried("create", client.create, "/kazoo/n", b"one")
tried("create again", client.create, "/kazoo/n", b"one")
tried("ephemeral", other.create, "/kazoo/e", b"", ephemeral=True)
tried("sequence", client.create, "/kazoo/s-", b"", sequence=True)
tried("sequence", client.create, "/kazoo/s-", b"", sequence=True, ephemeral=True)
tried("with stat", lambda: short(client.create("/kazoo/st", b"x", include_data=True)[1]))
tried("set", lambda: short(client.set("/kazoo/n", b"two")))
tried("set wrong version", client.set, "/kazoo/n", b"x", version=7)
tried("get", lambda: [client.get("/kazoo/n")[0].decode(), short(client.get("/kazoo/n")[1])])
tried("exists", lambda: short(client.exists("/kazoo/none")))
tried("children", lambda: sorted(client.get_children("/kazoo")))
tried("delete with children", client.delete, "/kazoo/a")
tried("delete", client.delete, "/kazoo/a", recursive=True)

# Watches by recipes that set themselves anew.
seen, changed = [], threading.Condition()


def note(value):
    with changed:
        seen.append(value)
        changed.notify_all()


def wait_for(count):
    with changed:
        changed.wait_for(lambda: len(seen) >= count, WAIT)


client.DataWatch("/kazoo/w", lambda data, stat: note(["data", data and data.decode()]))
wait_for(1)
for number, act in enumerate([lambda: other.create("/kazoo/w", b"1"), lambda: other.set("/kazoo/w", b"2"),
                              lambda: other.delete("/kazoo/w")]):
    act()
    wait_for(number + 2)
say("data watch", list(seen))
seen.clear()
client.ensure_path("/kazoo/list")
client.ChildrenWatch("/kazoo/list", lambda names: note(sorted(names)))
wait_for(1)
other.create("/kazoo/list/x", ephemeral=True)
wait_for(2)
other.stop()
other.close()
wait_for(3)
say("children watch", list(seen))
tried("ephemeral after its session", client.exists, "/kazoo/e")

transaction = client.transaction()
transaction.create("/kazoo/t", b"1")
transaction.check("/kazoo/n", 1)
transaction.set_data("/kazoo/n", b"3")
transaction.delete("/kazoo/s-0000000003")
say("transaction", [each if isinstance(each, str) else type(each).__name__ for each in transaction.commit()])
transaction = client.transaction()
transaction.create("/kazoo/t2", b"1")
transaction.check("/kazoo/n", 99)
transaction.delete("/kazoo/t")
say("failed transaction", [type(each).__name__ for each in transaction.commit()])

secret = KazooClient(hosts=HOSTS, auth_data=[("digest", "me:secret")])
secret.start(timeout=WAIT)
acl = make_digest_acl("me", "secret", all=True)
tried("private", secret.create, "/kazoo/private", b"p", acl=[acl])
tried("private to others", client.get, "/kazoo/private")
tried("private to its owner", lambda: secret.get("/kazoo/private")[0].decode())
tried("list of others", lambda: [repr(each.id) for each in secret.get_acls("/kazoo/private")[0]])
tried("open it", lambda: short(secret.set_acls("/kazoo/private", [make_digest_acl("x", "y", read=True), acl])))

lock = client.Lock("/kazoo/lock", "first")
say("lock", lock.acquire(timeout=WAIT))
contender = secret.Lock("/kazoo/lock", "second")
say("taken", contender.acquire(blocking=False))
say("contenders", lock.contenders())
lock.release()
say("free again", contender.acquire(timeout=WAIT))
contender.release()
counter = client.Counter("/kazoo/counter")
counter += 5
counter -= 2
say("counter", counter.value)
queue = client.Queue("/kazoo/queue")
queue.put(b"a")
queue.put(b"b")
say("queue", [queue.get().decode(), queue.get().decode(), len(queue)])
say("version", list(client.server_version())[:3])
say("ruok", client.command(b"ruok"))
tried("sync", client.sync, "/kazoo")
tried("clean up", client.delete, "/kazoo", recursive=True)
for each in (client, secret):
    each.stop()
    each.close()
