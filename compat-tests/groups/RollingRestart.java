import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * A group of consumers, restarted one after the other while a producer goes on. Arguments: bootstrap server, topic,
 * group, members, then consumer settings as name=value. Prints what became of the records: sent, processed, twice.
 */
public class RollingRestart {
    static final Map<Integer, AtomicInteger> processed = new ConcurrentHashMap<>();
    static final AtomicInteger sent = new AtomicInteger();
    static final AtomicBoolean producing = new AtomicBoolean(true);

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0], topic = args[1], group = args[2];
        int count = Integer.parseInt(args[3]);
        Properties settings = new Properties();
        for (int i = 4; i < args.length; i++) settings.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        Thread producer = new Thread(() -> produce(bootstrap, topic));
        producer.start();
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < count; i++) members.add(new Member(bootstrap, topic, group, i, settings));
        for (Member member : members) member.start();
        waitUntil(() -> members.stream().allMatch(each -> !each.assigned.isEmpty()), "every member has partitions");
        for (int i = 0; i < count; i++) {
            members.get(i).close();
            members.set(i, new Member(bootstrap, topic, group, i, settings));
            members.get(i).start();
        }
        waitUntil(() -> members.stream().allMatch(each -> !each.assigned.isEmpty()), "every member has partitions again");
        producing.set(false);
        producer.join();
        waitUntil(() -> processed.size() == sent.get(), "everything is processed");
        for (Member member : members) member.close();
        long twice = processed.values().stream().filter(each -> each.get() > 1).count();
        System.out.println("sent=" + sent.get() + " processed=" + processed.size() + " twice=" + twice);
        System.exit(0);
    }

    static void produce(String bootstrap, String topic) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "linger.ms", "5");
        try (var producer = new KafkaProducer<>(settings, new IntegerSerializer(), new IntegerSerializer())) {
            while (producing.get()) {
                int number = sent.get();
                producer.send(new ProducerRecord<>(topic, number, number)).get();
                sent.incrementAndGet();
            }
        } catch (Exception e) {
            fail("the producer failed: " + e);
        }
    }

    static void waitUntil(BooleanSupplierThatThrows condition, String what) throws Exception {
        long end = System.nanoTime() + 90_000_000_000L;
        while (!condition.get()) {
            if (System.nanoTime() > end) fail("waited too long until " + what + "; sent=" + sent + " processed=" + processed.size());
            Thread.sleep(20);
        }
    }

    interface BooleanSupplierThatThrows { boolean get() throws Exception; }

    static void fail(String why) {
        System.out.println(why);
        System.exit(1);
    }

    /** Processes, commits, and only then polls again: after a clean close nothing is left undone or done twice. */
    static class Member extends Thread {
        final KafkaConsumer<Integer, Integer> consumer;
        final AtomicBoolean closing = new AtomicBoolean();
        volatile Set<TopicPartition> assigned = Set.of();

        Member(String bootstrap, String topic, String group, int number, Properties settings) {
            Properties all = new Properties();
            all.put("bootstrap.servers", bootstrap);
            all.put("group.id", group);
            all.put("client.id", "member-" + number);
            all.put("auto.offset.reset", "earliest");
            all.put("enable.auto.commit", "false");
            if (!"consumer".equals(settings.get("group.protocol"))) all.put("heartbeat.interval.ms", "300");
            settings.forEach((name, value) -> all.put(name, value.toString().replace("#", "" + number)));
            consumer = new KafkaConsumer<>(all, new IntegerDeserializer(), new IntegerDeserializer());
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) { commit(); }
            });
        }

        /** A cooperative member may process while others rebalance, and commit once they are through: false until then. */
        boolean commit() {
            try {
                consumer.commitSync();
                return true;
            } catch (org.apache.kafka.common.errors.RebalanceInProgressException e) {
                return false;
            }
        }

        public void run() {
            try {
                boolean committed = true;
                while (!closing.get() || !committed) {
                    // What waits for its commit may go to somebody else with the next rebalance: no more until then.
                    if (committed) consumer.resume(consumer.assignment());
                    else consumer.pause(consumer.assignment());
                    var records = consumer.poll(Duration.ofMillis(50));
                    for (var record : records) processed.computeIfAbsent(record.value(), k -> new AtomicInteger()).incrementAndGet();
                    if (!records.isEmpty() || !committed) committed = commit();
                    assigned = consumer.assignment();
                }
                consumer.close();
            } catch (Exception e) {
                e.printStackTrace(System.out);
                fail("a member failed: " + e);
            }
        }

        void close() throws InterruptedException {
            closing.set(true);
            join();
        }
    }
}
