import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.*;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Copies topic "numbers" to topic "copied", some hundreds of records a second, with an exactly-once KafkaSink in a local
 * cluster of Flink. Arguments: bootstrap servers, folder for checkpoints, and the checkpoint to go on from, if any. Prints
 * the number of each checkpoint that is complete.
 */
public class Copy {
  public static void main(String[] args) throws Exception {
    Configuration settings = new Configuration();
    settings.setString("execution.checkpointing.dir", args[1]);
    settings.setString("execution.checkpointing.interval", "300ms");
    settings.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
    settings.setString("execution.checkpointing.num-retained", "3");
    settings.setString("restart-strategy.type", "fixed-delay");
    settings.setString("restart-strategy.fixed-delay.attempts", "100");
    settings.setString("restart-strategy.fixed-delay.delay", "500ms");
    if (args.length > 2) settings.setString("execution.state-recovery.path", args[2]);
    var environment = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
    var source = KafkaSource.<String>builder().setBootstrapServers(args[0]).setTopics("numbers").setGroupId("flink")
      .setStartingOffsets(OffsetsInitializer.earliest()).setValueOnlyDeserializer(new SimpleStringSchema()).build();
    var sink = KafkaSink.<String>builder().setBootstrapServers(args[0])
      .setRecordSerializer(KafkaRecordSerializationSchema.builder().setTopic("copied").setValueSerializationSchema(new SimpleStringSchema()).build())
      .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE).setTransactionalIdPrefix("flink")
      // Its default is longer than brokers allow.
      .setProperty("transaction.timeout.ms", "60000").build();
    environment.fromSource(source, WatermarkStrategy.noWatermarks(), "numbers").map(new Slowly()).sinkTo(sink);
    environment.execute();
  }

  public static class Slowly implements MapFunction<String, String>, CheckpointListener {
    public String map(String value) throws InterruptedException {
      Thread.sleep(2);
      return value;
    }

    public void notifyCheckpointComplete(long checkpoint) {
      System.out.println("complete: " + checkpoint);
    }
  }
}
