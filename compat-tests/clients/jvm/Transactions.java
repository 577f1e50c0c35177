import java.lang.ProcessHandle;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/**
 * Program for ../transactions/copy-process.ts with Apache Kafka's own client, any version from 1.1 on. Methods that not
 * all of them have are called by name.
 */
public class Transactions {
  static final String MAX_RECORDS = "20";

  public static void main(String[] args) throws Exception {
    try {
      if (args[0].equals("read")) read(args[1], args[2], Integer.parseInt(args[3]));
      else new Transactions(args).copy();
    } catch (Exception e) {
      e.printStackTrace();
      say("failed", "\"error\":\"" + e.getClass().getSimpleName() + "\"");
      System.exit(1);
    }
  }

  static void say(String did, String... more) {
    System.out.println("{\"did\":\"" + did + "\"" + (more.length > 0 ? "," + String.join(",", more) : "") + "}");
  }

  final String input, output, group;
  final int count, abortEvery, holdAt;
  final Producer<String, String> producer;
  final Consumer<String, String> consumer;
  final long pid = ProcessHandle.current().pid();

  Transactions(String[] args) {
    input = args[2];
    output = args[3];
    group = args[4];
    count = Integer.parseInt(args[6]);
    abortEvery = Integer.parseInt(args[7]);
    holdAt = Integer.parseInt(args[8]);
    Map<String, Object> producing = new HashMap<>(Map.of("bootstrap.servers", args[1], "transactional.id", args[5]));
    Map<String, Object> consuming = new HashMap<>(Map.of("bootstrap.servers", args[1], "group.id", group,
        "isolation.level", "read_committed", "auto.offset.reset", "earliest", "enable.auto.commit", "false",
        "max.poll.records", MAX_RECORDS));
    for (String setting : Arrays.asList(args).subList(10, args.length))
      consuming.put(setting.split("=", 2)[0], setting.split("=", 2)[1]);
    // The consumer protocol has settings of the broker instead.
    if (!"consumer".equals(consuming.get("group.protocol"))) {
      consuming.put("session.timeout.ms", args[9]);
      consuming.put("heartbeat.interval.ms", Integer.toString(Integer.parseInt(args[9]) / 5));
    }
    producer = new KafkaProducer<>(producing, new StringSerializer(), new StringSerializer());
    consumer = new KafkaConsumer<>(consuming, new StringDeserializer(), new StringDeserializer());
  }

  void copy() throws Exception {
    try {
      producer.initTransactions();
      say("ready");
      consumer.subscribe(List.of(input), new Callbacks());
      int committed = 0;
      for (int transaction = 0; committed < count; ) {
        ConsumerRecords<String, String> records = poll(consumer);
        if (records.isEmpty()) continue;
        boolean isCommitted = transact(transaction, records);
        if (isCommitted) committed += records.count();
        else rewind(records);
        tell(isCommitted ? "committed" : "aborted", transaction++, records);
      }
    } finally {
      consumer.close();
    }
    producer.close();
  }

  /**
   * With the consumer protocol the client gives partitions back between two polls unless it has a listener to call, which
   * it does in a poll: records of another member could be committed with the new epoch. See FINDINGS.md.
   */
  static class Callbacks implements ConsumerRebalanceListener {
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}
  }

  void tell(String did, int transaction, ConsumerRecords<String, String> records) {
    say(did, "\"transaction\":" + transaction, "\"count\":" + records.count());
  }

  /** False: it was aborted, on purpose or because the group rebalances. */
  boolean transact(int transaction, ConsumerRecords<String, String> records) throws Exception {
    producer.beginTransaction();
    try {
      for (ConsumerRecord<String, String> each : records)
        producer.send(new ProducerRecord<>(output, each.partition(), each.key(), each.value() + " " + pid + " " + transaction));
      producer.flush();
      sendOffsets(nextOffsets(records));
      if (transaction == holdAt) {
        tell("held", transaction, records);
        System.in.read();
      }
      if (abortEvery == 0 || transaction % abortEvery != abortEvery - 1) {
        producer.commitTransaction();
        return true;
      }
    } catch (ProducerFencedException | OutOfOrderSequenceException | AuthorizationException e) {
      throw e;
    } catch (KafkaException e) {
      e.printStackTrace();
    }
    producer.abortTransaction();
    return false;
  }

  static Map<TopicPartition, OffsetAndMetadata> nextOffsets(ConsumerRecords<String, String> records) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    for (ConsumerRecord<String, String> each : records)
      offsets.put(new TopicPartition(each.topic(), each.partition()), new OffsetAndMetadata(each.offset() + 1));
    return offsets;
  }

  void rewind(ConsumerRecords<String, String> records) {
    for (TopicPartition partition : records.partitions())
      consumer.seek(partition, records.records(partition).get(0).offset());
  }

  /** Since 2.5 the group's generation goes along (KIP-447); 4.0 has nothing else. */
  void sendOffsets(Map<TopicPartition, OffsetAndMetadata> offsets) throws Exception {
    Method metadata = method(Consumer.class, "groupMetadata");
    if (metadata == null) call(method(Producer.class, "sendOffsetsToTransaction", Map.class, String.class), producer, offsets, group);
    else call(method(Producer.class, "sendOffsetsToTransaction", Map.class, metadata.getReturnType()), producer, offsets, call(metadata, consumer));
  }

  /** Before 2.0 the time to wait was a long; since 4.0 it is a Duration only. */
  @SuppressWarnings("unchecked")
  static ConsumerRecords<String, String> poll(Consumer<String, String> consumer) throws Exception {
    Method poll = method(Consumer.class, "poll", Duration.class);
    return (ConsumerRecords<String, String>) (poll != null ? call(poll, consumer, Duration.ofMillis(200))
        : call(method(Consumer.class, "poll", long.class), consumer, 200L));
  }

  static Method method(Class<?> of, String name, Class<?>... parameters) {
    try {
      return of.getMethod(name, parameters);
    } catch (NoSuchMethodException e) {
      return null;
    }
  }

  static Object call(Method method, Object on, Object... arguments) throws Exception {
    try {
      return method.invoke(on, arguments);
    } catch (InvocationTargetException e) {
      throw (Exception) e.getCause();
    }
  }

  static void read(String bootstrap, String topic, int partitions) throws Exception {
    for (String isolation : List.of("read_committed", "read_uncommitted")) {
      Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "isolation.level", isolation,
          "auto.offset.reset", "earliest", "enable.auto.commit", "false");
      try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
        List<TopicPartition> all = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) all.add(new TopicPartition(topic, partition));
        consumer.assign(all);
        for (int ended = 0; ended < partitions; )
          for (ConsumerRecord<String, String> each : poll(consumer))
            if (each.value().equals("end")) ended++;
            else System.out.printf("{\"isolation\":\"%s\",\"partition\":%d,\"value\":\"%s\"}%n", isolation, each.partition(), each.value());
      }
    }
  }
}
