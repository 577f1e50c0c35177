import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * Two static members of a group. One is restarted, then another member uses its instance id, and at last it stays away.
 * Arguments: bootstrap server, topic, group, partitions of the topic, then consumer settings as name=value. Prints a
 * line about each.
 */
public class StaticMembers {
    static String bootstrap, topic, group;
    static final Properties settings = new Properties();

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        topic = args[1];
        group = args[2];
        int partitions = Integer.parseInt(args[3]);
        for (int i = 4; i < args.length; i++) settings.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        Member one = new Member("instance-1", "one"), two = new Member("instance-2", "two");
        waitUntil("both have partitions", () -> one.assigned.size() + two.assigned.size() == partitions
            && !one.assigned.isEmpty() && !two.assigned.isEmpty() && one.generation == two.generation);
        Set<TopicPartition> ofOne = one.assigned, ofTwo = two.assigned;
        int generation = one.generation, changes = two.changes.get();

        one.close();
        Member again = new Member("instance-1", "again");
        waitUntil("it is back", () -> !again.assigned.isEmpty());
        System.out.println("restarted: partitions=" + again.assigned.equals(ofOne) + " generation=" + (again.generation == generation)
            + " other=" + (two.changes.get() == changes && two.assigned.equals(ofTwo) && two.generation == generation));

        Member imitator = new Member("instance-1", "imitator");
        waitUntil("one of them is refused", () -> again.failure != null || imitator.failure != null);
        Member survivor = again.failure == null ? again : imitator;
        Member refused = again.failure == null ? imitator : again;
        waitUntil("the other one works", () -> survivor.assigned.equals(ofOne));
        System.out.println("imitated: " + refused.name + " " + refused.failure.getClass().getSimpleName()
            + " generation=" + (survivor.generation == generation) + " other=" + (two.changes.get() == changes));

        survivor.close();
        waitUntil("its session is over", () -> two.assigned.size() == partitions);
        System.out.println("away: two=" + two.assigned.size());
        two.close();
        System.exit(0);
    }

    static void waitUntil(String what, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + 60_000_000_000L;
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                System.out.println("waited too long until " + what);
                System.exit(1);
            }
            Thread.sleep(10);
        }
    }

    static class Member extends Thread {
        final String name;
        final KafkaConsumer<byte[], byte[]> consumer;
        final AtomicBoolean closing = new AtomicBoolean();
        final AtomicInteger changes = new AtomicInteger();
        volatile Set<TopicPartition> assigned = Set.of();
        volatile int generation = -1;
        volatile Exception failure;

        Member(String instanceId, String name) {
            this.name = name;
            Properties all = new Properties();
            all.putAll(settings);
            all.put("bootstrap.servers", bootstrap);
            all.put("group.id", group);
            all.put("client.id", name);
            all.put("group.instance.id", instanceId);
            consumer = new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) { changes.incrementAndGet(); }
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) { changes.incrementAndGet(); }
            });
            start();
        }

        public void run() {
            try {
                while (!closing.get()) {
                    consumer.poll(Duration.ofMillis(50));
                    generation = consumer.groupMetadata().generationId();
                    assigned = consumer.assignment();
                }
            } catch (Exception e) {
                failure = e;
            }
            consumer.close();
            assigned = Set.of();
        }

        void close() throws InterruptedException {
            closing.set(true);
            join();
        }
    }
}
