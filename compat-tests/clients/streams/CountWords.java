import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts the words of topic "lines" into topic "counted", and by the hour into a windowed store: the internal topics that
 * Kafka Streams makes are a repartition topic and two changelogs. Arguments: bootstrap servers, folder for state. Prints
 * each state of the application; ends, orderly, with its standard input.
 */
public class CountWords {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "count-words");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, args[1]);
    properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    properties.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 6000);
    KafkaStreams streams = new KafkaStreams(topology().build(), properties);
    streams.setStateListener((now, before) -> System.out.println(now));
    streams.setUncaughtExceptionHandler((Throwable failure) -> {
      failure.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    streams.start();
    while (System.in.read() != -1) {}
    streams.close(Duration.ofSeconds(20));
  }

  private static StreamsBuilder topology() {
    StreamsBuilder builder = new StreamsBuilder();
    KGroupedStream<String, String> words = builder.<String, String>stream("lines")
      .flatMapValues(line -> Arrays.asList(line.split(" ")))
      .groupBy((key, word) -> word, Grouped.as("by-word"));
    words.count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts")).withValueSerde(Serdes.Long()))
      .toStream().mapValues(String::valueOf).to("counted");
    Duration hour = Duration.ofHours(1);
    words.windowedBy(TimeWindows.ofSizeWithNoGrace(hour))
      .count(Materialized.<String, Long>as(Stores.inMemoryWindowStore("hourly", hour.multipliedBy(2), hour, false))
        .withValueSerde(Serdes.Long()));
    return builder;
  }
}
