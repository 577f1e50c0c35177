import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/** Program for ../../histories/history-process.ts with Apache Kafka's own client, any version from 2.8 on. */
public class Histories {
  /** The operations of a line, in the only form in which they are written. */
  static final Pattern OPERATION =
      Pattern.compile("\\{\"send\":\\{\"partition\":(\\d+),\"value\":\"(\\d+)\"}}|\\{\"poll\":(\\d+)}");
  static final Duration FIRST_WAIT = Duration.ofMillis(200);

  public static void main(String[] args) throws IOException {
    try {
      new Histories(args).run();
    } catch (PollFailed e) {
      fail(e.getCause());
    } catch (KafkaException e) {
      fail(e);
    }
    System.exit(0);
  }

  static void fail(Throwable e) {
    e.printStackTrace();
    say("failed", error(e));
    System.exit(1);
  }

  static void say(String did, String... more) {
    System.out.println("{\"did\":\"" + did + "\"" + (more.length > 0 ? "," + String.join(",", more) : "") + "}");
  }

  /** The client wraps the error that made a transaction fail. */
  static String error(Throwable e) {
    Throwable named = e.getClass() == KafkaException.class && e.getCause() != null ? e.getCause() : e;
    return "\"error\":\"" + named.getClass().getSimpleName() + "\"";
  }

  /** An error that is not about the producer. */
  static class PollFailed extends RuntimeException {
    PollFailed(KafkaException cause) {
      super(cause);
    }
  }

  final String topic;
  final Producer<String, String> producer;
  final Consumer<String, String> consumer;
  /** Records sent in this transaction. */
  final List<Future<RecordMetadata>> sent = new ArrayList<>();
  /** What this transaction did so far, as JSON. The offset of a record is known later. */
  final List<Supplier<String>> done = new ArrayList<>();

  Histories(String[] args) {
    topic = args[2];
    producer = new KafkaProducer<>(Map.of("bootstrap.servers", args[1], "transactional.id", args[4],
        "transaction.timeout.ms", args[5], "delivery.timeout.ms", "60000"), new StringSerializer(), new StringSerializer());
    // A record a poll: each operation has its own number of records.
    consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", args[1], "isolation.level", "read_committed",
        "auto.offset.reset", "none", "enable.auto.commit", "false", "max.poll.records", "1"),
        new StringDeserializer(), new StringDeserializer());
    List<TopicPartition> partitions = IntStream.range(0, Integer.parseInt(args[3]))
        .mapToObj(partition -> new TopicPartition(topic, partition)).collect(Collectors.toList());
    consumer.assign(partitions);
    for (TopicPartition partition : partitions) consumer.seek(partition, 0);
  }

  void run() throws IOException {
    producer.initTransactions();
    say("ready");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      sent.clear();
      done.clear();
      try {
        transact(line);
      } catch (PollFailed e) {
        throw e;
      } catch (RuntimeException e) {
        e.printStackTrace();
        answer("unknown", error(e));
        System.exit(1);
      }
    }
  }

  /** Throws if it is unknown how the transaction ended. */
  void transact(String line) {
    String[] error = {};
    try {
      producer.beginTransaction();
      for (Matcher operation = OPERATION.matcher(line); operation.find(); ) done.add(perform(operation));
      producer.flush();
      checkSent();
      if (line.contains("\"end\":\"commit\"")) {
        producer.commitTransaction();
        answer("committed");
        return;
      }
    } catch (ProducerFencedException | OutOfOrderSequenceException | AuthorizationException e) {
      throw e;
    } catch (TimeoutException e) {
      throw e; // of the commit, which may still happen
    } catch (KafkaException e) {
      e.printStackTrace();
      error = new String[] {error(e)};
    }
    producer.abortTransaction();
    answer("aborted", error);
  }

  void answer(String did, String... error) {
    List<String> more = new ArrayList<>(List.of(error));
    more.add("\"ops\":[" + done.stream().map(Supplier::get).collect(Collectors.joining(",")) + "]");
    say(did, more.toArray(new String[0]));
  }

  Supplier<String> perform(Matcher operation) {
    return operation.group(3) == null ? send(Integer.parseInt(operation.group(1)), operation.group(2))
        : poll(Integer.parseInt(operation.group(3)));
  }

  Supplier<String> send(int partition, String value) {
    Future<RecordMetadata> metadata = producer.send(new ProducerRecord<>(topic, partition, null, value));
    sent.add(metadata);
    return () -> "{\"sent\":{\"partition\":" + partition + ",\"value\":\"" + value + "\"" + offset(metadata) + "}}";
  }

  static String offset(Future<RecordMetadata> metadata) {
    try {
      return metadata.isDone() && metadata.get().hasOffset() ? ",\"offset\":" + metadata.get().offset() : "";
    } catch (ExecutionException | InterruptedException e) {
      return "";
    }
  }

  /** A commit does not fail if a record found no metadata. */
  void checkSent() {
    try {
      for (Future<RecordMetadata> each : sent) each.get();
    } catch (ExecutionException | InterruptedException e) {
      throw new KafkaException(e.getCause());
    }
  }

  Supplier<String> poll(int count) {
    List<String> polled = new ArrayList<>();
    try {
      for (Duration wait = FIRST_WAIT; polled.size() < count; wait = Duration.ZERO) {
        ConsumerRecords<String, String> records = consumer.poll(wait);
        if (records.isEmpty()) break;
        for (ConsumerRecord<String, String> each : records)
          polled.add("{\"partition\":" + each.partition() + ",\"offset\":" + each.offset() + ",\"value\":\"" + each.value() + "\"}");
      }
    } catch (RetriableException e) {
      e.printStackTrace();
    } catch (KafkaException e) {
      throw new PollFailed(e);
    }
    return () -> "{\"polled\":[" + String.join(",", polled) + "]}";
  }
}
