import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.*;
import org.apache.kafka.storage.internals.utils.Throttler;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Reads, writes and cleans partition logs with Apache Kafka's own classes.
 *
 * read FOLDER PARTITION...           opens each partition's directory as after a clean stop and prints its contents
 * write FOLDER                       writes partitions of several kinds, and prints their contents
 * clean FOLDER NOW RETENTION SEGMENT PARTITION:FROM:TO...  compacts partitions once, with the clock at NOW
 *
 * The text format is that of log-text.ts. Run with: java -cp "<jars of Apache Kafka 4.4.0>/*" KafkaLogs.java read data topic-0
 */
public class KafkaLogs {
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    static final Scheduler scheduler = new AtOnce();
    static final long firstMs = System.currentTimeMillis() - 3_600_000;
    static long nextMs = firstMs;

    public static void main(String[] args) throws Exception {
        File folder = new File(args[1]);
        if (args[0].equals("read")) for (String each : Arrays.asList(args).subList(2, args.length)) read(folder, each);
        else if (args[0].equals("write")) write(folder);
        else clean(folder, args);
        System.exit(0);
    }

    static UnifiedLog open(File folder, String partition, int segmentBytes, Map<String, String> more, Time time) throws Exception {
        Map<String, String> settings = new HashMap<>(more);
        settings.put("internal.segment.bytes", "" + segmentBytes);
        settings.put("index.interval.bytes", "300");
        settings.put("retention.ms", "-1");
        File directory = new File(folder, partition);
        directory.mkdirs();
        return UnifiedLog.create(directory, new LogConfig(settings), 0, Long.MAX_VALUE, scheduler, new BrokerTopicStats(), time,
            300_000, new ProducerStateManagerConfig(86_400_000, false), 600_000, new LogDirFailureChannel(1), true, Optional.empty());
    }

    static void read(File folder, String partition) throws Exception {
        UnifiedLog log = open(folder, partition, 1 << 30, Map.of(), Time.SYSTEM);
        System.out.println("log " + partition + " " + log.logStartOffset() + " " + log.logEndOffset());
        for (var each : log.leaderEpochCache().epochEntries()) {
            System.out.println("epoch " + each.epoch() + " from " + each.startOffset());
        }
        for (var each : new TreeMap<>(log.producerStateManager().activeProducers()).values()) {
            int lastSequence = each.batchMetadata().stream().mapToInt(BatchMetadata::lastSeq).max().orElse(-1);
            System.out.println("producer " + each.producerId() + " epoch " + each.producerEpoch() + " sequence " + lastSequence
                + " time " + each.lastTimestamp() + " coordinator " + each.coordinatorEpoch()
                + " transaction " + each.currentTxnFirstOffset().orElse(-1));
        }
        for (var each : log.collectAbortedTransactions(log.logStartOffset(), log.logEndOffset())) {
            System.out.println("aborted " + each.producerId() + " " + each.firstOffset() + "-" + each.lastOffset() + " stable " + each.lastStableOffset());
        }
        List<Long> timestamps = new ArrayList<>();
        for (long at = log.logStartOffset(); at < log.logEndOffset();) {
            Records records = log.read(at, 1 << 20, FetchIsolation.LOG_END, true).records;
            long next = at;
            for (RecordBatch batch : records.batches()) {
                batch.ensureValid();
                print(batch, timestamps);
                next = batch.nextOffset();
            }
            if (next == at) break;
            at = next;
        }
        for (int i = 0; i < timestamps.size(); i += 7) search(log, Math.max(0, timestamps.get(i) + i % 3 - 1));
        search(log, -3);
        close(log);
    }

    static void close(UnifiedLog log) {
        log.prepareActiveSegmentForClose();
        log.flush(true);
        log.close();
    }

    static void search(UnifiedLog log, long timestamp) {
        var found = log.fetchOffsetByTimestamp(timestamp, Optional.empty()).timestampAndOffsetOpt();
        String answer = found.map(each -> each.timestamp + " offset " + each.offset + " epoch " + each.leaderEpoch.map(String::valueOf).orElse("-")).orElse("none");
        System.out.println("time " + timestamp + " is " + answer);
    }

    static void print(RecordBatch batch, List<Long> timestamps) {
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

    static void write(File folder) throws Exception {
        List<String> partitions = new ArrayList<>();
        for (String codec : CODECS) {
            try (Opened opened = new Opened(folder, "kafka." + codec + "-0", partitions)) {
                UnifiedLog log = opened.log;
                for (int i = 0; i < 60; i++) {
                    log.appendAsLeader(MemoryRecords.withRecords(Compression.of(codec).build(), records(i)), i / 20);
                }
            }
        }
        try (Opened opened = new Opened(folder, "kafka.idempotent-0", partitions)) {
            UnifiedLog log = opened.log;
            for (int i = 0; i < 60; i++) idempotent(log, i % 3, (short) 0, 2 * (i / 3), i, false);
        }
        try (Opened opened = new Opened(folder, "kafka.transactional-0", partitions)) {
            UnifiedLog log = opened.log;
            int[] sequences = new int[2];
            for (int i = 0; i < 40; i++) {
                int producer = i % 2;
                idempotent(log, producer, (short) 1, sequences[producer], i, true);
                sequences[producer] += 2;
                log.appendAsLeader(MemoryRecords.withRecords(Compression.NONE, records(i)), 0);
                if (i % 5 == 4) marker(log, producer, (short) 1, i % 3 == 0 ? ControlRecordType.ABORT : ControlRecordType.COMMIT);
            }
            marker(log, 0, (short) 1, ControlRecordType.ABORT);
        }
        for (String each : partitions) read(folder, each);
    }

    /** A log that is closed like in LogManager. */
    static class Opened implements AutoCloseable {
        final UnifiedLog log;
        Opened(File folder, String partition, List<String> partitions) throws Exception {
            partitions.add(partition);
            log = open(folder, partition, 4000, Map.of(), Time.SYSTEM);
        }
        public void close() {
            KafkaLogs.close(log);
        }
    }

    static SimpleRecord[] records(int i) {
        SimpleRecord[] records = new SimpleRecord[1 + i % 7];
        for (int j = 0; j < records.length; j++) records[j] = record(i, j);
        return records;
    }

    static SimpleRecord record(int i, int j) {
        nextMs += 11;
        byte[] key = (i + j) % 3 == 0 ? null : utf8("key " + (i * 7 + j) % 20);
        byte[] value = (i + j) % 4 == 0 ? null : utf8("value " + i + "." + j + " so it goes".repeat(i % 9));
        Header[] headers = (i + j) % 5 == 0 ? new Header[] {new RecordHeader("trace", utf8("" + i)), new RecordHeader("empty", null)} : Record.EMPTY_HEADERS;
        return new SimpleRecord(i % 5 == 0 ? nextMs - 100 : nextMs, key, value, headers);
    }

    static void idempotent(UnifiedLog log, long producerId, short epoch, int sequence, int i, boolean transactional) throws Exception {
        MemoryRecords records = transactional
            ? MemoryRecords.withTransactionalRecords(Compression.NONE, producerId, epoch, sequence, record(i, 0), record(i, 1))
            : MemoryRecords.withIdempotentRecords(Compression.NONE, producerId, epoch, sequence, record(i, 0), record(i, 1));
        log.appendAsLeader(records, 0);
    }

    static void marker(UnifiedLog log, long producerId, short epoch, ControlRecordType type) throws Exception {
        nextMs += 11;
        MemoryRecords marker = MemoryRecords.withEndTransactionMarker(nextMs, producerId, epoch, new EndTransactionMarker(type, 5));
        log.appendAsLeader(marker, 0, AppendOrigin.COORDINATOR, RequestLocal.noCaching(), VerificationGuard.SENTINEL, (short) 0);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static void clean(File folder, String[] args) throws Exception {
        long nowMs = Long.parseLong(args[2]);
        Time time = new StoppedTime(nowMs);
        Map<String, String> settings = Map.of("cleanup.policy", "compact", "delete.retention.ms", args[3], "file.delete.delay.ms", "0");
        Throttler throttler = new Throttler(Double.MAX_VALUE, Long.MAX_VALUE, "throttle", "entries", time);
        for (String each : Arrays.asList(args).subList(6, args.length)) {
            String[] task = each.split(":");
            UnifiedLog log = open(folder, task[0], Integer.parseInt(args[4]), settings, time);
            log.updateHighWatermark(log.logEndOffset());
            SkimpyOffsetMap map = new SkimpyOffsetMap(Integer.parseInt(args[5]));
            Cleaner cleaner = new Cleaner(0, map, 1 << 20, 1 << 20, 0.9, throttler, time, partition -> { });
            long end = Long.parseLong(task[1]);
            // If the map is too small for all keys, several passes are needed.
            for (long from = -1; end > from && end < Long.parseLong(task[2]);) {
                from = end;
                end = cleaner.doClean(new LogToClean(log, from, Long.parseLong(task[2]), false), nowMs).getKey();
                System.out.println("pass up to " + end);
            }
            System.out.println(task[0] + " " + end);
            close(log);
        }
    }

    /** Runs one-time tasks at once, and never runs periodic ones. */
    static class AtOnce implements Scheduler {
        final java.util.concurrent.ScheduledExecutorService timers = java.util.concurrent.Executors.newScheduledThreadPool(1);
        public void startup() { }
        public void shutdown() { }
        public void resizeThreadPool(int size) { }
        public java.util.concurrent.ScheduledFuture<?> schedule(String name, Runnable task, long delayMs, long periodMs) {
            if (periodMs < 0) task.run();
            return timers.schedule(() -> { }, 1, java.util.concurrent.TimeUnit.DAYS);
        }
    }

    /** A clock that stands still. */
    static class StoppedTime implements Time {
        final long nowMs;
        StoppedTime(long nowMs) { this.nowMs = nowMs; }
        public long milliseconds() { return nowMs; }
        public long nanoseconds() { return nowMs * 1_000_000; }
        public void sleep(long ms) { }
        public void waitObject(Object object, java.util.function.Supplier<Boolean> condition, long deadline) { }
        public org.apache.kafka.common.utils.Timer timer(long timeoutMs) { return Time.SYSTEM.timer(timeoutMs); }
        public org.apache.kafka.common.utils.Timer timer(java.time.Duration timeout) { return Time.SYSTEM.timer(timeout); }
        public <T> T waitForFuture(java.util.concurrent.CompletableFuture<T> future, long deadlineNs) { throw new UnsupportedOperationException(); }
    }
}
