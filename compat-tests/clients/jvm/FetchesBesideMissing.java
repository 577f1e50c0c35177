import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Consumer with two idle partitions assigned manually. Prints how often it fetches in some seconds: while both topics
 * exist, right after one was deleted, and later.
 */
public class FetchesBesideMissing {
  static final Duration WATCHED = Duration.ofSeconds(3);

  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("key.deserializer", ByteArrayDeserializer.class);
    settings.put("value.deserializer", ByteArrayDeserializer.class);
    settings.put("auto.offset.reset", "earliest");
    settings.put("allow.auto.create.topics", "false");
    try (Admin admin = Admin.create(settings); var consumer = new KafkaConsumer<byte[], byte[]>(settings)) {
      List<NewTopic> topics = List.of(new NewTopic("stays", 1, (short) 1), new NewTopic("goes", 1, (short) 1));
      admin.createTopics(topics).all().get();
      consumer.assign(List.of(new TopicPartition("stays", 0), new TopicPartition("goes", 0)));
      consumer.poll(Duration.ofSeconds(1));
      System.out.println(fetchesOf(consumer));
      admin.deleteTopics(List.of("goes")).all().get();
      System.out.println(fetchesOf(consumer));
      System.out.println(fetchesOf(consumer));
    }
  }

  static long fetchesOf(KafkaConsumer<byte[], byte[]> consumer) {
    double before = fetchTotal(consumer);
    long end = System.nanoTime() + WATCHED.toNanos();
    while (System.nanoTime() < end) consumer.poll(Duration.ofMillis(200));
    return Math.round(fetchTotal(consumer) - before);
  }

  static double fetchTotal(KafkaConsumer<byte[], byte[]> consumer) {
    return consumer.metrics().entrySet().stream()
        .filter(each -> each.getKey().name().equals("fetch-total") && each.getKey().tags().size() == 1)
        .mapToDouble(each -> (double) each.getValue().metricValue())
        .sum();
  }
}
