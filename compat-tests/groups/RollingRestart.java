import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * Restarts the members of consumer groups one after the other while a producer keeps sending. Arguments: bootstrap
 * server, members per group, then one argument per group: its name, which is also its topic's, and the settings of its
 * members before the first restart, after the first, after the second and so on, separated by "|". Settings are
 * name=value, separated by spaces; # stands for a member's number, and subscription.pattern sets a regular expression to
 * subscribe to. Prints a line for each group: its name, records sent, processed, processed twice, and its kinds of
 * members halfway through each restart.
 */
public class RollingRestart {
    public static void main(String[] args) throws Exception {
        int count = Integer.parseInt(args[1]);
        ExecutorService groups = Executors.newCachedThreadPool();
        try {
            List<Future<String>> results = new ArrayList<>();
            for (String group : Arrays.asList(args).subList(2, args.length))
                results.add(groups.submit(() -> new Group(args[0], count, group.split("\\|")).run()));
            for (Future<String> result : results) System.out.println(result.get());
        } catch (ExecutionException e) {
            fail(e.getCause());
        }
        System.exit(0);
    }

    static void fail(Throwable why) {
        System.out.println(why);
        System.exit(1);
    }

    static class Group {
        final Map<Integer, AtomicInteger> processed = new ConcurrentHashMap<>();
        final AtomicInteger sent = new AtomicInteger();
        final AtomicBoolean producing = new AtomicBoolean(true);
        final String bootstrap, name;
        final int count;
        final List<Properties> rounds = new ArrayList<>();
        /** Whether the group moves from one protocol to the other. */
        final boolean moves;
        final List<Member> members = new ArrayList<>();

        Group(String bootstrap, int count, String[] words) {
            this.bootstrap = bootstrap;
            this.count = count;
            this.name = words[0];
            for (String round : Arrays.asList(words).subList(1, words.length)) {
                Properties settings = new Properties();
                for (String setting : round.split(" ")) settings.put(setting.split("=", 2)[0], setting.split("=", 2)[1]);
                rounds.add(settings);
            }
            moves = rounds.stream().map(each -> each.getProperty("group.protocol", "classic")).distinct().count() > 1;
        }

        String run() throws Exception {
            Thread producer = new Thread(this::produce);
            producer.start();
            for (int i = 0; i < count; i++) members.add(new Member(this, i, rounds.get(0)));
            for (Member member : members) member.start();
            waitUntil(this::allHavePartitions, "every member has partitions");
            List<String> halfway = new ArrayList<>();
            for (Properties settings : rounds.subList(1, rounds.size())) {
                for (int i = 0; i < count; i++) {
                    members.get(i).close();
                    members.set(i, new Member(this, i, settings));
                    members.get(i).start();
                    if (i + 1 == count / 2) {
                        waitUntil(this::allHavePartitions, "every member has partitions halfway");
                        halfway.add(kinds());
                    }
                }
                waitUntil(this::allHavePartitions, "every member has partitions again");
            }
            producing.set(false);
            producer.join();
            waitUntil(() -> processed.size() == sent.get(), "everything is processed");
            for (Member member : members) member.close();
            long twice = processed.values().stream().filter(each -> each.get() > 1).count();
            return name + " sent=" + sent + " processed=" + processed.size() + " twice=" + twice + " halfway="
                + String.join(",", halfway);
        }

        boolean allHavePartitions() {
            return members.stream().allMatch(each -> !each.assigned.isEmpty());
        }

        /** What an administrator sees: the protocol of the group and its number of members of each protocol. */
        String kinds() throws Exception {
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
                var group = admin.describeConsumerGroups(List.of(name)).all().get().get(name);
                long upgraded = group.members().stream().filter(each -> each.upgraded().orElse(false)).count();
                return group.type() + ":" + (group.members().size() - upgraded) + "+" + upgraded;
            }
        }

        void produce() {
            Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "linger.ms", "5");
            try (var producer = new KafkaProducer<>(settings, new IntegerSerializer(), new IntegerSerializer())) {
                while (producing.get()) {
                    producer.send(new ProducerRecord<>(name, sent.get(), sent.get())).get();
                    sent.incrementAndGet();
                }
            } catch (Exception e) {
                fail(e);
            }
        }

        void waitUntil(Callable<Boolean> condition, String what) throws Exception {
            long end = System.nanoTime() + 90_000_000_000L;
            while (!condition.call()) {
                if (System.nanoTime() > end) throw new TimeoutException(name + " waited too long until " + what + ": sent="
                    + sent + " processed=" + processed.size() + " assigned="
                    + members.stream().map(each -> each.assigned.toString()).collect(Collectors.joining(" ")));
                Thread.sleep(20);
            }
        }
    }

    /** Processes, commits, and only then polls again: after a clean close no record is lost or processed twice. */
    static class Member extends Thread {
        final Group group;
        final KafkaConsumer<Integer, Integer> consumer;
        final AtomicBoolean closing = new AtomicBoolean();
        volatile Set<TopicPartition> assigned = Set.of();

        Member(Group group, int number, Properties settings) {
            super("member " + number + " of " + group.name);
            this.group = group;
            Properties all = new Properties();
            all.put("bootstrap.servers", group.bootstrap);
            all.put("group.id", group.name);
            all.put("client.id", group.name + "-" + number);
            all.put("auto.offset.reset", "earliest");
            all.put("enable.auto.commit", "false");
            if (!"consumer".equals(settings.get("group.protocol"))) all.put("heartbeat.interval.ms", "300");
            settings.forEach((name, value) -> all.put(name, value.toString().replace("#", "" + number)));
            Object pattern = all.remove("subscription.pattern");
            consumer = new KafkaConsumer<>(all, new IntegerDeserializer(), new IntegerDeserializer());
            ConsumerRebalanceListener listener = new ConsumerRebalanceListener() {
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) { commit(); }
            };
            if (pattern == null) consumer.subscribe(List.of(group.name), listener);
            else consumer.subscribe(new SubscriptionPattern(pattern.toString()), listener);
        }

        /** A cooperative member may process during a rebalance but commit only after it: false until then. */
        boolean commit() {
            try {
                consumer.commitSync();
                return true;
            } catch (org.apache.kafka.common.errors.RebalanceInProgressException e) {
                return false;
            } catch (CommitFailedException e) {
                // In a consumer-protocol group a classic member may be in a new generation before it knows: the records
                // it has just processed come again.
                if (group.moves) return true;
                throw e;
            }
        }

        public void run() {
            try {
                boolean committed = true;
                while (!closing.get() || !committed) {
                    // Partitions with uncommitted records may move to another member in the next rebalance, so no more
                    // records are read until then.
                    if (committed) consumer.resume(consumer.assignment());
                    else consumer.pause(consumer.assignment());
                    var records = consumer.poll(Duration.ofMillis(50));
                    for (var record : records)
                        group.processed.computeIfAbsent(record.value(), k -> new AtomicInteger()).incrementAndGet();
                    if (!records.isEmpty() || !committed) committed = commit();
                    assigned = consumer.assignment();
                }
                consumer.close();
            } catch (Exception e) {
                fail(new Exception(getName() + ": " + e.toString(), e));
            }
        }

        void close() throws InterruptedException {
            closing.set(true);
            join();
            assigned = Set.of();
        }
    }
}
