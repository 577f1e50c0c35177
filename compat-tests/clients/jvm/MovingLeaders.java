import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.*;

/** Program for ../../moving-leaders/client-process.ts with Apache Kafka's own client. */
public class MovingLeaders {
  static String bootstrap, topic;
  static volatile boolean producing = true, consuming = true;
  static final CountDownLatch produced = new CountDownLatch(1);

  static synchronized void say(Object... words) {
    System.out.println(Arrays.stream(words).map(String::valueOf).collect(Collectors.joining(" ")).replace('\n', ' '));
  }

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    topic = args[1];
    List<Thread> threads = new ArrayList<>();
    Map<String, Member> members = new HashMap<>();
    for (String protocol : args[2].split(","))
      for (int i = 0; i < 2; i++) members.put(topic + "-" + protocol + " " + i, new Member(protocol, i));
    threads.addAll(members.values());
    threads.add(new Thread(() -> produce(Integer.parseInt(args[3]))));
    for (Thread thread : threads) thread.start();
    var in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null && !line.equals("end"); )
      if (line.equals("stop")) producing = false;
      else members.get(line.substring("rejoin ".length())).rejoining = true;
    producing = consuming = false;
    for (Thread thread : threads) thread.join();
    say("ended");
  }

  static void produce(int rate) {
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "acks", "all", "enable.idempotence", true,
        "delivery.timeout.ms", 300_000, "max.block.ms", 120_000);
    int number = 0;
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (; producing; number++) {
        String key = "k" + number % 32, value = "" + number;
        producer.send(new ProducerRecord<>(topic, key, value), (metadata, error) -> {
          if (error != null) say("failed", key, value, error);
          else say("acked", metadata.partition(), metadata.offset(), key, value);
        });
        Thread.sleep(1000 / rate);
      }
    } catch (Exception e) {
      say("error producer", e);
    }
    say("produced", number);
  }

  static class Member extends Thread implements ConsumerRebalanceListener {
    final String group, protocol;
    final int number;
    volatile boolean rejoining;
    KafkaConsumer<String, String> consumer;

    Member(String protocol, int number) {
      group = topic + "-" + protocol;
      this.protocol = protocol;
      this.number = number;
    }

    void subscribe() {
      Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", group,
          "group.protocol", protocol, "auto.offset.reset", "earliest", "enable.auto.commit", false));
      // The consumer protocol has settings of the broker instead.
      if (protocol.equals("classic")) settings.putAll(Map.of("session.timeout.ms", 10_000, "heartbeat.interval.ms", 1000));
      consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
      consumer.subscribe(List.of(topic), this);
    }

    void tell(String what, Object... words) {
      List<Object> all = new ArrayList<>(List.of(what, group, number));
      all.addAll(Arrays.asList(words));
      say(all.toArray());
    }

    static Object[] numbers(Collection<TopicPartition> partitions) {
      return partitions.stream().map(TopicPartition::partition).toArray();
    }

    public void onPartitionsAssigned(Collection<TopicPartition> partitions) { tell("assigned", numbers(partitions)); }

    public void onPartitionsRevoked(Collection<TopicPartition> partitions) { tell("revoked", numbers(partitions)); }

    public void run() {
      try {
        while (consuming) {
          rejoining = false;
          subscribe();
          while (consuming && !rejoining) {
            var records = consumer.poll(Duration.ofMillis(200));
            for (var record : records) tell("read", record.partition(), record.offset(), record.key(), record.value());
            if (!records.isEmpty()) commit(records.nextOffsets());
          }
          consumer.close();
        }
      } catch (Exception e) {
        tell("error", e);
      }
    }

    /** The client says with these errors that the group rebalances: what is not committed is read again. */
    void commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
      try {
        consumer.commitSync(offsets);
        offsets.forEach((partition, position) -> tell("committed", partition.partition(), position.offset()));
      } catch (RebalanceInProgressException | CommitFailedException e) {
        tell("uncommitted", e);
      }
    }
  }
}
