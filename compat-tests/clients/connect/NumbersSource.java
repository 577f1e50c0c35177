import java.util.*;
import java.util.stream.*;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.cli.ConnectDistributed;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.source.*;

/**
 * Source connector that writes the numbers from 0 to `count`, not included, to `topic`, in batches of ten, some hundreds
 * a second. Its offset is the next number. The program is a distributed worker that has this connector.
 */
public class NumbersSource extends SourceConnector {
  public static void main(String[] args) {
    ConnectDistributed.main(args);
  }

  private Map<String, String> settings;

  @Override public String version() { return "1"; }
  @Override public Class<? extends Task> taskClass() { return NumbersTask.class; }
  @Override public void start(Map<String, String> given) { settings = given; }
  @Override public List<Map<String, String>> taskConfigs(int most) { return List.of(settings); }
  @Override public void stop() {}
  @Override public ExactlyOnceSupport exactlyOnceSupport(Map<String, String> given) { return ExactlyOnceSupport.SUPPORTED; }

  @Override public ConfigDef config() {
    return new ConfigDef().define("topic", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "")
      .define("count", ConfigDef.Type.INT, ConfigDef.Importance.HIGH, "");
  }

  public static class NumbersTask extends SourceTask {
    private static final Map<String, String> PARTITION = Map.of("numbers", "all");
    private String topic;
    private int count, next;

    @Override public String version() { return "1"; }
    @Override public void stop() {}

    @Override public void start(Map<String, String> settings) {
      topic = settings.get("topic");
      count = Integer.parseInt(settings.get("count"));
      Map<String, Object> offset = context.offsetStorageReader().offset(PARTITION);
      next = offset == null ? 0 : ((Number) offset.get("next")).intValue();
      System.out.println("numbers from " + next);
    }

    @Override public List<SourceRecord> poll() throws InterruptedException {
      Thread.sleep(30);
      if (next == count) return null;
      List<SourceRecord> batch = IntStream.range(next, Math.min(count, next + 10)).mapToObj(this::record).collect(Collectors.toList());
      next += batch.size();
      return batch;
    }

    private SourceRecord record(int number) {
      return new SourceRecord(PARTITION, Map.of("next", number + 1), topic, 0, Schema.STRING_SCHEMA, Integer.toString(number));
    }
  }
}
