import java.util.*;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.springframework.context.annotation.*;
import org.springframework.kafka.core.*;
import org.springframework.kafka.event.ConsumerStoppedEvent;
import org.springframework.kafka.listener.*;
import org.springframework.kafka.transaction.KafkaTransactionManager;
import org.springframework.transaction.annotation.*;
import org.springframework.transaction.support.*;

/**
 * Program for ../transactions/copy-process.ts with spring-kafka: a listener container begins a transaction for each poll,
 * a transactional bean joins it and sends, and an exception of the listener rolls it back.
 */
public class Transactions {
  static String[] args;

  public static void main(String[] given) throws Exception {
    args = given;
    if (args[0].equals("read")) read(args[1], args[2], Integer.parseInt(args[3]));
    else copy();
    System.exit(0);
  }

  static void say(String did, String... more) {
    System.out.println("{\"did\":\"" + did + "\"" + (more.length > 0 ? "," + String.join(",", more) : "") + "}");
  }

  interface Copier {
    void copy(List<ConsumerRecord<String, String>> records, int transaction);
  }

  @Configuration(proxyBeanMethods = false)
  @EnableTransactionManagement
  static class Beans {
    @Bean
    ProducerFactory<String, String> producers() {
      var factory = new DefaultKafkaProducerFactory<>(Map.of("bootstrap.servers", args[1]), new StringSerializer(), new StringSerializer());
      factory.setTransactionIdPrefix(args[5]);
      return factory;
    }

    @Bean
    KafkaTemplate<String, String> template(ProducerFactory<String, String> producers) {
      return new KafkaTemplate<>(producers);
    }

    @Bean
    KafkaTransactionManager<String, String> transactions(ProducerFactory<String, String> producers) {
      var manager = new KafkaTransactionManager<>(producers);
      // The listener hears how its transactions end.
      manager.setTransactionSynchronization(KafkaTransactionManager.SYNCHRONIZATION_ALWAYS);
      return manager;
    }

    @Bean
    Copier copier(KafkaTemplate<String, String> template) {
      return new Copier() {
        @Transactional
        public void copy(List<ConsumerRecord<String, String>> records, int transaction) {
          long pid = ProcessHandle.current().pid();
          for (var each : records)
            template.send(new ProducerRecord<>(args[3], each.partition(), each.key(), each.value() + " " + pid + " " + transaction));
          template.flush();
        }
      };
    }
  }

  static void copy() throws Exception {
    var context = new AnnotationConfigApplicationContext(Beans.class);
    // Makes a producer, whose epoch fences older ones.
    context.getBean(KafkaTemplate.class).executeInTransaction(template -> true);
    say("ready");
    var listener = new Listener(context.getBean(Copier.class));
    ContainerProperties properties = new ContainerProperties(args[2]);
    properties.setKafkaAwareTransactionManager(context.getBean(KafkaTransactionManager.class));
    properties.setStopContainerWhenFenced(true);
    properties.setMessageListener(listener);
    var container = new KafkaMessageListenerContainer<>(new DefaultKafkaConsumerFactory<>(consumerSettings(), new StringDeserializer(), new StringDeserializer()), properties);
    container.setApplicationEventPublisher(event -> {
      if (!(event instanceof ConsumerStoppedEvent stopped) || stopped.getReason() == ConsumerStoppedEvent.Reason.NORMAL) return;
      say("failed", "\"error\":\"" + stopped.getReason() + "\"");
      Runtime.getRuntime().halt(1);
    });
    container.start();
    listener.copied.await();
    container.stop();
    context.close();
  }

  static Map<String, Object> consumerSettings() {
    return Map.of("bootstrap.servers", args[1], "group.id", args[4], "isolation.level", "read_committed",
        "auto.offset.reset", "earliest", "max.poll.records", "20", "session.timeout.ms", args[9],
        "heartbeat.interval.ms", Integer.toString(Integer.parseInt(args[9]) / 5));
  }

  static class Listener implements BatchMessageListener<String, String> {
    final Copier copier;
    final CountDownLatch copied = new CountDownLatch(1);
    final int count = Integer.parseInt(args[6]), abortEvery = Integer.parseInt(args[7]), holdAt = Integer.parseInt(args[8]);
    int transactions, committed;

    Listener(Copier copier) { this.copier = copier; }

    public void onMessage(List<ConsumerRecord<String, String>> records) {
      int transaction = transactions++;
      String what = "\"transaction\":" + transaction + ",\"count\":" + records.size();
      TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
        public void afterCompletion(int status) {
          if (status == STATUS_COMMITTED) committed += records.size();
          if (status != STATUS_UNKNOWN) say(status == STATUS_COMMITTED ? "committed" : "aborted", what);
          if (committed >= count) copied.countDown();
        }
      });
      copier.copy(records, transaction);
      if (transaction == holdAt) hold(what);
      if (abortEvery != 0 && transaction % abortEvery == abortEvery - 1) throw new IllegalStateException("aborted on purpose");
    }

    static void hold(String what) {
      say("held", what);
      try {
        System.in.read();
      } catch (java.io.IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }

  static void read(String bootstrap, String topic, int partitions) {
    for (String isolation : List.of("read_committed", "read_uncommitted")) {
      Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "isolation.level", isolation, "auto.offset.reset", "earliest");
      try (var consumer = new DefaultKafkaConsumerFactory<>(settings, new StringDeserializer(), new StringDeserializer()).createConsumer()) {
        List<TopicPartition> all = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) all.add(new TopicPartition(topic, partition));
        consumer.assign(all);
        for (int ended = 0; ended < partitions; )
          for (var each : consumer.poll(java.time.Duration.ofMillis(200)))
            if (each.value().equals("end")) ended++;
            else System.out.printf("{\"isolation\":\"%s\",\"partition\":%d,\"value\":\"%s\"}%n", isolation, each.partition(), each.value());
      }
    }
  }
}
