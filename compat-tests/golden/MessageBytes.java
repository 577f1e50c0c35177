import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * Reads and writes messages with Kafka's own generated classes. A file of messages is a sequence of
 * name:UTF version:int16 size:int32 bytes[size].
 *
 * write SEED COUNT FILE    writes COUNT random messages of every name and version that these jars know
 * headers SEED FILE        writes headers of every api and version: named RequestHeader and ResponseHeader, as key:int16 bytes
 * errors                   prints every error: code, name, whether it is retriable, message, separated by tabs
 * rewrite FILE FILE        reads each message of the first file and writes it to the second
 */
public class MessageBytes {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.common.metadata.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.coordinator.share.generated.",
        "org.apache.kafka.raft.generated.",
    };

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "write" -> writeAll(new Random(Long.parseLong(args[1])), Integer.parseInt(args[2]), Path.of(args[3]));
            case "headers" -> writeHeaders(new Random(Long.parseLong(args[1])), Path.of(args[2]));
            case "errors" -> printErrors();
            case "rewrite" -> rewrite(Path.of(args[1]), Path.of(args[2]));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static void writeAll(Random random, int count, Path file) throws Exception {
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            for (JsonNode definition : definitions().values()) {
                Class<?> type = messageClass(definition.get("name").asText());
                if (type == null || !definition.has("fields")) continue;
                Versions valid = Versions.parse(definition.get("validVersions").asText());
                for (int version = valid.oldest; version <= valid.newest; version++) {
                    for (int i = 0; i < count; i++) {
                        Message message = (Message) new Filling(definition, type, version, random).message();
                        put(out, definition.get("name").asText(), version, bytesOf(message, version));
                    }
                }
            }
        }
    }

    private static void writeHeaders(Random random, Path file) throws Exception {
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            for (ApiKeys api : ApiKeys.values()) {
                for (short version = api.oldestVersion(); version <= api.latestVersion(true); version++) {
                    RequestHeaderData request = new RequestHeaderData().setRequestApiKey(api.id)
                        .setRequestApiVersion(version).setCorrelationId(random.nextInt())
                        .setClientId(random.nextInt(4) == 0 ? null : Filling.text(random));
                    putHeader(out, "RequestHeader", api.id, version, bytesOf(request, api.requestHeaderVersion(version)));
                    ResponseHeaderData response = new ResponseHeaderData().setCorrelationId(random.nextInt());
                    putHeader(out, "ResponseHeader", api.id, version, bytesOf(response, api.responseHeaderVersion(version)));
                }
            }
        }
    }

    private static void printErrors() {
        for (Errors error : Errors.values()) {
            boolean retriable = error.exception() instanceof RetriableException;
            System.out.println(error.code() + "\t" + error.name() + "\t" + retriable + "\t" + error.message());
        }
    }

    private static void rewrite(Path from, Path to) throws Exception {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(from)));
             DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(to)))) {
            while (true) {
                String name;
                try {
                    name = in.readUTF();
                } catch (EOFException end) {
                    return;
                }
                short version = in.readShort();
                byte[] bytes = in.readNBytes(in.readInt());
                put(out, name, version, rewritten(name, version, bytes));
            }
        }
    }

    /** Empty if these classes do not read exactly all of the bytes. */
    private static byte[] rewritten(String name, short version, byte[] bytes) throws Exception {
        Message message = (Message) messageClass(name).getDeclaredConstructor().newInstance();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try {
            message.read(new ByteBufferAccessor(buffer), version);
        } catch (RuntimeException error) {
            System.err.println(name + " v" + version + ": " + error);
            return new byte[0];
        }
        return buffer.hasRemaining() ? new byte[0] : bytesOf(message, version);
    }

    private static byte[] bytesOf(Message message, int version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, (short) version));
        message.write(new ByteBufferAccessor(buffer), cache, (short) version);
        return buffer.array();
    }

    private static void put(DataOutputStream out, String name, int version, byte[] bytes) throws IOException {
        out.writeUTF(name);
        out.writeShort(version);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static void putHeader(DataOutputStream out, String name, short key, int version, byte[] bytes)
        throws IOException {
        put(out, name, version, ByteBuffer.allocate(2 + bytes.length).putShort(key).put(bytes).array());
    }

    /** Kafka's definitions by name, read from the jars of the class path. */
    private static Map<String, JsonNode> definitions() throws IOException {
        ObjectMapper mapper = new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);
        Map<String, JsonNode> found = new TreeMap<>();
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!path.matches(".*/kafka[^/]*\\.jar")) continue;
            try (JarFile jar = new JarFile(path)) {
                for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements();) {
                    JarEntry entry = entries.nextElement();
                    if (!entry.getName().matches("common/(message|metadata)/\\w+\\.json")) continue;
                    JsonNode definition = mapper.readTree(jar.getInputStream(entry));
                    found.put(definition.get("name").asText(), definition);
                }
            }
        }
        return found;
    }

    /** Requests and responses have the suffix "Data"; null if Kafka generates no class for a definition. */
    private static Class<?> messageClass(String name) {
        for (String prefix : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    return Class.forName(prefix + name + suffix);
                } catch (ClassNotFoundException elsewhere) {
                    // Try the next package.
                }
            }
        }
        return null;
    }

    private record Versions(int oldest, int newest) {
        static Versions parse(String text) {
            if (text.equals("none")) return new Versions(1, 0);
            if (text.endsWith("+")) return new Versions(Integer.parseInt(text.substring(0, text.length() - 1)), 32767);
            String[] ends = text.split("-");
            return new Versions(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]));
        }

        static boolean include(JsonNode text, int version) {
            if (text == null) return false;
            Versions versions = parse(text.asText());
            return version >= versions.oldest && version <= versions.newest;
        }
    }

    /** Fills one message with random values that its version can encode. */
    private static final class Filling {
        private final JsonNode definition;
        private final Class<?> type;
        private final int version;
        private final Random random;
        private final Map<String, JsonNode> structs = new HashMap<>();

        Filling(JsonNode definition, Class<?> type, int version, Random random) {
            this.definition = definition;
            this.type = type;
            this.version = version;
            this.random = random;
            for (JsonNode struct : definition.path("commonStructs")) {
                structs.put(struct.get("name").asText(), struct.get("fields"));
            }
        }

        Object message() throws ReflectiveOperationException {
            return filled(type, definition.get("fields"));
        }

        private Object filled(Class<?> struct, JsonNode fields) throws ReflectiveOperationException {
            Constructor<?> constructor = struct.getDeclaredConstructor();
            constructor.setAccessible(true);
            Object target = constructor.newInstance();
            for (JsonNode field : fields) {
                JsonNode versions = field.has("versions") ? field.get("versions") : field.get("taggedVersions");
                // A quarter of the fields keep their default, so that some tagged fields are left out.
                if (!Versions.include(versions, version) || random.nextInt(4) == 0 && !isUnset(field)) continue;
                Field member = struct.getDeclaredField(camelCase(field.get("name").asText()));
                member.setAccessible(true);
                boolean nullable = Versions.include(field.get("nullableVersions"), version);
                member.set(target, nullable && random.nextInt(4) == 0 ? null : value(member.getType(), field));
            }
            return target;
        }

        /** Unset record data is null, whether the version can encode null or not. */
        private static boolean isUnset(JsonNode field) {
            return field.get("type").asText().equals("records");
        }

        private Object value(Class<?> memberType, JsonNode field) throws ReflectiveOperationException {
            String name = field.get("type").asText();
            if (!name.startsWith("[]")) return single(memberType, name, field);
            Collection<Object> elements = newCollection(memberType);
            for (int count = random.nextInt(4); count > 0; count--) elements.add(single(null, name.substring(2), field));
            return elements;
        }

        @SuppressWarnings("unchecked")
        private static Collection<Object> newCollection(Class<?> memberType) throws ReflectiveOperationException {
            if (memberType == List.class) return new ArrayList<>();
            return (Collection<Object>) memberType.getDeclaredConstructor().newInstance();
        }

        private Object single(Class<?> memberType, String name, JsonNode field) throws ReflectiveOperationException {
            switch (name) {
                case "bool":
                    return random.nextBoolean();
                case "int8":
                    return (byte) random.nextInt();
                case "int16":
                    return (short) random.nextInt();
                case "uint16":
                    return random.nextInt(65536);
                case "int32":
                    return random.nextInt();
                case "uint32":
                    return random.nextInt() & 0xffffffffL;
                case "int64":
                    return int64();
                case "float64":
                    return random.nextGaussian() * 1e9;
                case "string":
                    return text(random);
                case "uuid":
                    return new Uuid(random.nextLong(), random.nextLong());
                case "bytes":
                    return memberType == ByteBuffer.class ? ByteBuffer.wrap(bytes()) : bytes();
                case "records":
                    return records(ByteBuffer.wrap(bytes()));
                default:
                    JsonNode fields = field.has("fields") ? field.get("fields") : structs.get(name);
                    return filled(Class.forName(type.getName() + "$" + name), fields);
            }
        }

        /** Exact in 53 bits, or a limit of the type: Ottla promises to keep only these values. */
        private long int64() {
            return switch (random.nextInt(8)) {
                case 0 -> Long.MAX_VALUE;
                case 1 -> Long.MIN_VALUE;
                case 2 -> -1;
                default -> random.nextLong() >> (11 + random.nextInt(50));
            };
        }

        private byte[] bytes() {
            byte[] bytes = new byte[random.nextInt(random.nextInt(10) == 0 ? 3000 : 30)];
            random.nextBytes(bytes);
            return bytes;
        }

        static String text(Random random) {
            StringBuilder text = new StringBuilder();
            for (int count = random.nextInt(random.nextInt(10) == 0 ? 300 : 20); count > 0; count--) {
                int[] ranges = {0x80, 0x800, 0xd000, 0x110000};
                int character = random.nextInt(ranges[random.nextInt(10) == 0 ? random.nextInt(4) : 0]);
                text.appendCodePoint(character >= 0xd800 && character < 0xe000 ? 'x' : character);
            }
            return text.toString();
        }

        private static String camelCase(String name) {
            return Character.toLowerCase(name.charAt(0)) + name.substring(1);
        }

        /** MemoryRecords has moved between packages. */
        private static Object records(ByteBuffer buffer) throws ReflectiveOperationException {
            return memoryRecords().getMethod("readableRecords", ByteBuffer.class).invoke(null, buffer);
        }

        private static Class<?> memoryRecords() throws ClassNotFoundException {
            try {
                return Class.forName("org.apache.kafka.common.record.MemoryRecords");
            } catch (ClassNotFoundException moved) {
                return Class.forName("org.apache.kafka.common.record.internal.MemoryRecords");
            }
        }
    }
}
