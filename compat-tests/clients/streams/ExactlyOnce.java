import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.*;

/**
 * With exactly_once_v2: counts the values of topic "words" into topic "counts", each change as "WORD COUNT", and joins
 * "left" and "right" by key within an hour into "joined". Arguments: bootstrap servers, folder for state. Prints each
 * state of the application; ends, orderly, with its standard input.
 */
public class ExactlyOnce {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "exactly-once");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, args[1]);
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    // Long enough to be killed in a transaction.
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    // Each change is sent: none is replaced by a later one.
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    properties.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 2000);
    properties.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 400);
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
    builder.<String, String>stream("words")
      .groupBy((key, word) -> word, Grouped.as("by-word"))
      .count(Materialized.as("word-counts"))
      .toStream().map((word, count) -> KeyValue.pair(word, word + " " + count)).to("counts");
    JoinWindows hour = JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofHours(1));
    KStream<String, String> right = builder.stream("right");
    builder.<String, String>stream("left")
      .join(right, (one, other) -> one + " " + other, hour, StreamJoined.<String, String, String>as("sides"))
      .to("joined");
    return builder;
  }
}
