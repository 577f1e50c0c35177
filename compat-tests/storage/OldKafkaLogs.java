import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.*;
import kafka.api.ApiVersion$;
import kafka.log.*;
import kafka.server.*;
import kafka.utils.KafkaScheduler;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.utils.Time;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Reads and writes partition logs with the classes of Apache Kafka 2.8.2, in its old message formats too.
 *
 * read FOLDER PARTITION...   opens each partition's directory as after a clean stop and prints its contents
 * write FOLDER               writes partitions of several kinds, and prints their contents
 *
 * Text format: log-text.ts. Run with: java -cp "<jars of Apache Kafka 2.8.2>/*" OldKafkaLogs.java read data topic-0
 */
public class OldKafkaLogs {
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    static final KafkaScheduler scheduler = new KafkaScheduler(1, "scheduler", true);
    static long nextMs = System.currentTimeMillis() - 3_600_000;

    public static void main(String[] args) throws Exception {
        scheduler.startup();
        File folder = new File(args[1]);
        if (args[0].equals("read")) for (String each : Arrays.asList(args).subList(2, args.length)) read(folder, each);
        else write(folder);
        System.exit(0);
    }

    static Log open(File folder, String partition, int segmentBytes, String format) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("segment.bytes", segmentBytes);
        settings.put("index.interval.bytes", 300);
        settings.put("retention.ms", -1L);
        settings.put("message.format.version", format);
        File directory = new File(folder, partition);
        directory.mkdirs();
        LogConfig config = new LogConfig(settings, LogConfig.apply$default$2());
        return Log.apply(directory, config, 0, Long.MAX_VALUE, scheduler, new BrokerTopicStats(), Time.SYSTEM, 86_400_000,
            600_000, new LogDirFailureChannel(1), true, true);
    }

    static void read(File folder, String partition) {
        Log log = open(folder, partition, 1 << 30, "2.8");
        System.out.println("log " + partition + " " + log.logStartOffset() + " " + log.logEndOffset());
        if (log.leaderEpochCache().isDefined()) {
            for (var each : CollectionConverters.asJava(log.leaderEpochCache().get().epochEntries())) {
                System.out.println("epoch " + each.epoch() + " from " + each.startOffset());
            }
        }
        List<ProducerStateEntry> producers = new ArrayList<>();
        for (var each : CollectionConverters.asJava(log.producerStateManager().activeProducers()).values()) producers.add(each);
        producers.sort(Comparator.comparingLong(ProducerStateEntry::producerId));
        for (var each : producers) {
            System.out.println("producer " + each.producerId() + " epoch " + each.producerEpoch() + " sequence " + each.lastSeq()
                + " time " + each.lastTimestamp() + " coordinator " + each.coordinatorEpoch()
                + " transaction " + (each.currentTxnFirstOffset().isDefined() ? each.currentTxnFirstOffset().get() : "-1"));
        }
        for (var each : CollectionConverters.asJava(log.collectAbortedTransactions(log.logStartOffset(), log.logEndOffset()))) {
            System.out.println("aborted " + each.producerId() + " " + each.firstOffset() + "-" + each.lastOffset() + " stable " + each.lastStableOffset());
        }
        List<Long> timestamps = new ArrayList<>();
        for (long at = log.logStartOffset(); at < log.logEndOffset();) {
            long next = at;
            for (RecordBatch batch : log.read(at, 1 << 20, FetchLogEnd$.MODULE$, true).records().batches()) {
                print(batch, timestamps);
                next = batch.nextOffset();
            }
            if (next == at) break;
            at = next;
        }
        for (int i = 0; i < timestamps.size(); i += 7) search(log, Math.max(0, timestamps.get(i) + i % 3 - 1));
        System.out.println("time -3 is " + latest(log));
        log.close();
    }

    static void search(Log log, long timestamp) {
        Option<FileRecords.TimestampAndOffset> found = log.fetchOffsetByTimestamp(timestamp);
        System.out.println("time " + timestamp + " is " + (found.isDefined() ? text(found.get()) : "none"));
    }

    static String text(FileRecords.TimestampAndOffset found) {
        return found.timestamp + " offset " + found.offset + " epoch " + found.leaderEpoch.map(String::valueOf).orElse("-");
    }

    /** 2.8.2 has no query for the latest timestamp, so this is the first record with it. Like 4.4, -1 if no record has one. */
    static String latest(Log log) {
        long latest = -1;
        for (var segment : CollectionConverters.asJavaCollection(log.logSegments())) {
            for (RecordBatch batch : segment.log().batches()) latest = Math.max(latest, batch.maxTimestamp());
        }
        if (latest < 0) return log.size() == 0 ? "none" : "-1 offset " + log.logStartOffset() + " epoch -";
        Option<FileRecords.TimestampAndOffset> found = log.fetchOffsetByTimestamp(latest);
        return found.isDefined() ? text(found.get()) : "none";
    }

    static void print(RecordBatch batch, List<Long> timestamps) {
        batch.ensureValid();
        System.out.println("batch v" + batch.magic() + " " + batch.compressionType().name + " offsets " + batch.baseOffset() + "-"
            + batch.lastOffset() + " " + batch.timestampType().name + " " + batch.maxTimestamp() + " epoch " + batch.partitionLeaderEpoch()
            + " producer " + batch.producerId() + "/" + batch.producerEpoch() + "/" + batch.baseSequence()
            + (batch.isTransactional() ? " transactional" : "") + (batch.isControlBatch() ? " control" : ""));
        for (Record record : batch) {
            record.ensureValid();
            StringBuilder line = new StringBuilder();
            line.append(record.offset()).append(' ').append(record.timestamp());
            line.append(' ').append(hex(record.key())).append(' ').append(hex(record.value()));
            for (Header header : record.headers()) {
                line.append(' ').append(hex(ByteBuffer.wrap(utf8(header.key())))).append('=');
                line.append(hex(header.value() == null ? null : ByteBuffer.wrap(header.value())));
            }
            System.out.println(line);
            timestamps.add(record.timestamp());
        }
    }

    static String hex(ByteBuffer bytes) {
        if (bytes == null) return "null";
        StringBuilder text = new StringBuilder("x");
        for (int i = bytes.position(); i < bytes.limit(); i++) text.append(String.format("%02x", bytes.get(i)));
        return text.toString();
    }

    static void write(File folder) {
        List<String> partitions = new ArrayList<>();
        for (String format : List.of("0.9.0", "0.10.2", "2.8")) {
            byte magic = ApiVersion$.MODULE$.apply(format).recordVersion().value;
            for (String codec : CODECS) {
                if (magic < 2 && codec.equals("zstd")) continue;
                Log log = opened(folder, "kafka.v" + magic + "." + codec + "-0", format, partitions);
                for (int i = 0; i < 60; i++) {
                    MemoryRecords records = MemoryRecords.withRecords(magic, CompressionType.forName(codec), records(i, magic));
                    append(log, records, i / 20, AppendOrigin.Client$.MODULE$);
                }
                log.close();
            }
        }
        Log idempotent = opened(folder, "kafka.idempotent-0", "2.8", partitions);
        for (int i = 0; i < 60; i++) idempotent(idempotent, i % 3, (short) 0, 2 * (i / 3), i, false);
        idempotent.close();
        Log log = opened(folder, "kafka.transactional-0", "2.8", partitions);
        int[] sequences = new int[2];
        for (int i = 0; i < 40; i++) {
            int producer = i % 2;
            idempotent(log, producer, (short) 1, sequences[producer], i, true);
            sequences[producer] += 2;
            append(log, MemoryRecords.withRecords(CompressionType.NONE, records(i, (byte) 2)), 0, AppendOrigin.Client$.MODULE$);
            if (i % 5 == 4) marker(log, producer, (short) 1, i % 3 == 0 ? ControlRecordType.ABORT : ControlRecordType.COMMIT);
        }
        marker(log, 0, (short) 1, ControlRecordType.ABORT);
        log.close();
        for (String each : partitions) read(folder, each);
    }

    static Log opened(File folder, String partition, String format, List<String> partitions) {
        partitions.add(partition);
        return open(folder, partition, 4000, format);
    }

    static void append(Log log, MemoryRecords records, int leaderEpoch, AppendOrigin origin) {
        log.appendAsLeader(records, leaderEpoch, origin, ApiVersion$.MODULE$.latestVersion());
    }

    static SimpleRecord[] records(int i, byte magic) {
        SimpleRecord[] records = new SimpleRecord[1 + i % 7];
        for (int j = 0; j < records.length; j++) records[j] = record(i, j, magic);
        return records;
    }

    static SimpleRecord record(int i, int j, byte magic) {
        nextMs += 11;
        byte[] key = (i + j) % 3 == 0 ? null : utf8("key " + (i * 7 + j) % 20);
        byte[] value = (i + j) % 4 == 0 ? null : utf8("value " + i + "." + j + " so it goes".repeat(i % 9));
        boolean hasHeaders = magic == 2 && (i + j) % 5 == 0;
        Header[] headers = hasHeaders ? new Header[] {new RecordHeader("trace", utf8("" + i)), new RecordHeader("empty", null)} : Record.EMPTY_HEADERS;
        return new SimpleRecord(magic == 0 ? -1 : i % 5 == 0 ? nextMs - 100 : nextMs, key, value, headers);
    }

    static void idempotent(Log log, long producerId, short epoch, int sequence, int i, boolean transactional) {
        SimpleRecord[] records = {record(i, 0, (byte) 2), record(i, 1, (byte) 2)};
        append(log, transactional
            ? MemoryRecords.withTransactionalRecords(CompressionType.NONE, producerId, epoch, sequence, records)
            : MemoryRecords.withIdempotentRecords(CompressionType.NONE, producerId, epoch, sequence, records), 0, AppendOrigin.Client$.MODULE$);
    }

    static void marker(Log log, long producerId, short epoch, ControlRecordType type) {
        nextMs += 11;
        append(log, MemoryRecords.withEndTransactionMarker(nextMs, producerId, epoch, new EndTransactionMarker(type, 5)), 0,
            AppendOrigin.Coordinator$.MODULE$);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
