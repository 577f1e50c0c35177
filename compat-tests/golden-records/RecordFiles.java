import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;

/**
 * Writes and reads record batches with Apache Kafka's own classes.
 *
 * write FOLDER   writes the golden files, with the same records as record-files.ts, by the same rules.
 * read FOLDER    reads every file there and prints its contents in the text format of record-files.ts.
 *
 * Run with: java -cp "<jars of kafka-clients 4.4.0>/*" RecordFiles.java write data
 */
public class RecordFiles {
    static final List<String> LEGACY_CODECS = List.of("none", "gzip", "snappy", "lz4");
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[1]);
        if (args[0].equals("write")) write(folder);
        else read(folder);
    }

    static void write(Path folder) throws Exception {
        for (byte magic = 0; magic < 2; magic++) {
            for (String codec : LEGACY_CODECS) {
                few(folder, "v" + magic + "-" + codec + "-few", magic, codec, TimestampType.CREATE_TIME);
            }
        }
        few(folder, "v1-gzip-append-time", (byte) 1, "gzip", TimestampType.LOG_APPEND_TIME);
        few(folder, "v2-none-append-time", (byte) 2, "none", TimestampType.LOG_APPEND_TIME);
        many(folder, "v0-lz4-many", (byte) 0, "lz4");
        many(folder, "v1-snappy-many", (byte) 1, "snappy");
        for (String codec : CODECS) {
            few(folder, "v2-" + codec + "-few", (byte) 2, codec, TimestampType.CREATE_TIME);
            if (!codec.equals("none")) many(folder, "v2-" + codec + "-many", (byte) 2, codec);
        }
        for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT)) {
            MemoryRecords marker = MemoryRecords.withEndTransactionMarker(
                42, 1_700_000_000_000L, 3, 7000, (short) 5, new EndTransactionMarker(type, 11));
            save(folder, "v2-" + type.name().toLowerCase(), marker.buffer());
        }
        LeaderChangeMessage change = new LeaderChangeMessage().setVersion((short) 0).setLeaderId(1)
            .setVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1), new LeaderChangeMessage.Voter().setVoterId(2)))
            .setGrantingVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1)));
        save(folder, "v2-leader-change",
            MemoryRecords.withLeaderChangeMessage(42, 1_700_000_000_000L, 3, ByteBuffer.allocate(1024), change).buffer());
        ByteBuffer empty = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
        DefaultRecordBatch.writeEmptyHeader(empty, (byte) 2, 7000, (short) 5, 17, 42, 50, 3,
            TimestampType.CREATE_TIME, 1_700_000_000_000L, false, false);
        empty.flip();
        save(folder, "v2-empty", empty);
    }

    static MemoryRecordsBuilder builder(byte magic, String codec, TimestampType type) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        Compression compression = Compression.of(codec).build();
        long appendTime = type == TimestampType.LOG_APPEND_TIME ? 1_700_000_009_999L : -1;
        if (magic < 2) return MemoryRecords.builder(buffer, magic, compression, type, 100, appendTime);
        return MemoryRecords.builder(buffer, magic, compression, type, 100, appendTime, 7000, (short) 5, 17, true, 3);
    }

    static void few(Path folder, String name, byte magic, String codec, TimestampType type) throws Exception {
        try (MemoryRecordsBuilder builder = builder(magic, codec, type)) {
            Header[] headers = magic < 2 ? Record.EMPTY_HEADERS
                : new Header[] {new RecordHeader("h1", utf8("value ü")), new RecordHeader("", null)};
            builder.appendWithOffset(100, 1_700_000_000_000L, utf8("key"), utf8("value"), headers);
            builder.appendWithOffset(101, 1_700_000_500_000L, null, utf8("no key"), Record.EMPTY_HEADERS);
            builder.appendWithOffset(102, 1_699_999_000_000L, utf8("no value"), null, Record.EMPTY_HEADERS);
            builder.appendWithOffset(107, 1_700_000_000_001L, new byte[0], new byte[0], Record.EMPTY_HEADERS);
            save(folder, name, builder.build().buffer());
        }
    }

    static void many(Path folder, String name, byte magic, String codec) throws Exception {
        try (MemoryRecordsBuilder builder = builder(magic, codec, TimestampType.CREATE_TIME)) {
            for (int i = 0; i < 1800; i++) {
                String value = "record " + i + " says " + Integer.toHexString(i * 0x9E3779B1) + ", and as before it says nothing new";
                builder.appendWithOffset(100 + i, 1_700_000_000_000L + i, utf8("key " + i % 7), utf8(value), Record.EMPTY_HEADERS);
            }
            save(folder, name, builder.build().buffer());
        }
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static void save(Path folder, String name, ByteBuffer buffer) throws Exception {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        Files.write(folder.resolve(name + ".bin"), bytes);
    }

    static void read(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                System.out.println("file " + file.getFileName().toString().replace(".bin", ""));
                for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(file))).batches()) {
                    print(batch);
                }
            }
        }
    }

    static void print(MutableRecordBatch batch) {
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
        }
    }

    static String hex(ByteBuffer bytes) {
        if (bytes == null) return "null";
        StringBuilder text = new StringBuilder("x");
        for (int i = bytes.position(); i < bytes.limit(); i++) text.append(String.format("%02x", bytes.get(i)));
        return text.toString();
    }
}
