import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Client for ../matrix/matrix-client.ts with Apache Kafka's own library. Further arguments of consume are properties of
 * the consumer: name=value. Several verbs with their arguments, separated by "then", run in turn, each with a new client.
 */
public class Client {
  public static void main(String[] all) throws Exception {
    List<String> arguments = List.of(all);
    for (int end; (end = arguments.indexOf("then")) >= 0; arguments = arguments.subList(end + 1, arguments.size()))
      run(arguments.subList(0, end).toArray(String[]::new));
    run(arguments.toArray(String[]::new));
  }

  static void run(String[] args) throws Exception {
    String bootstrap = args[1];
    String topic = args[2];
    switch (args[0]) {
      case "produce" -> produce(bootstrap, topic, args[3], Integer.parseInt(args[4]));
      case "consume" -> consume(bootstrap, topic, args[3], Integer.parseInt(args[4]), args);
      case "admin" -> admin(bootstrap, topic);
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  static void produce(String bootstrap, String topic, String codec, int count) throws Exception {
    Properties properties = new Properties();
    properties.putAll(Map.of("bootstrap.servers", bootstrap, "compression.type", codec, "linger.ms", "20"));
    try (var producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
      var last = new java.util.ArrayList<java.util.concurrent.Future<?>>();
      for (int i = 0; i < count; i++) {
        var record = new ProducerRecord<>(topic, "key-" + i, i + ":" + "x".repeat(i % 100));
        record.headers().add("index", Integer.toString(i).getBytes());
        last.add(producer.send(record));
      }
      for (var sent : last) sent.get();
    }
  }

  static void consume(String bootstrap, String topic, String group, int count, String[] args) {
    Properties properties = new Properties();
    properties.putAll(Map.of("bootstrap.servers", bootstrap, "group.id", group, "auto.offset.reset", "earliest",
        "enable.auto.commit", "false"));
    for (int i = 5; i < args.length; i++) {
      String[] pair = args[i].split("=", 2);
      properties.put(pair[0], pair[1]);
    }
    try (var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      long deadline = System.currentTimeMillis() + 30_000;
      for (int seen = 0; seen < count; ) {
        if (System.currentTimeMillis() > deadline) throw new IllegalStateException(seen + " of " + count + " records");
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
          Header header = record.headers().lastHeader("index");
          String index = header == null ? "" : new String(header.value());
          System.out.printf("{\"key\":\"%s\",\"value\":\"%s\",\"index\":\"%s\"}%n", record.key(), record.value(), index);
          seen++;
        }
      }
      consumer.commitSync();
    }
  }

  static void admin(String bootstrap, String topic) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      var config = Map.of("retention.ms", "9223372036854775807");
      admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1).configs(config))).all().get();
      int partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
      admin.deleteTopics(List.of(topic)).all().get();
      boolean listed = admin.listTopics().names().get().contains(topic);
      System.out.printf("{\"partitions\":%d,\"listed\":%b}%n", partitions, listed);
    }
  }
}
