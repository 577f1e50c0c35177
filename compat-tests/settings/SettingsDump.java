import java.lang.reflect.Field;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.AbstractKafkaConfig;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * Prints every setting that Apache Kafka declares, one per line: kind, name, type, default, check, where it applies,
 * internal.
 */
public class SettingsDump {
    public static void main(String[] args) throws Exception {
        Map<String, String> dynamic = DynamicBrokerConfig.dynamicConfigUpdateModes();
        print("broker", AbstractKafkaConfig.CONFIG_DEF, dynamic, "read-only");
        Field topics = LogConfig.class.getDeclaredField("CONFIG");
        topics.setAccessible(true);
        print("topic", (ConfigDef) topics.get(null), Map.of(), "per-topic");
        print("group", GroupConfig.CONFIG_DEF, Map.of(), "per-group");
    }

    private static void print(String kind, ConfigDef settings, Map<String, String> modes, String otherwise) {
        for (ConfigDef.ConfigKey key : new TreeMap<>(settings.configKeys()).values()) {
            System.out.println(String.join("\t", kind, key.name, key.type.name().toLowerCase(), defaultOf(key), checkOf(key),
                modes.getOrDefault(key.name, otherwise), key.internalConfig ? "internal" : ""));
        }
    }

    private static String defaultOf(ConfigDef.ConfigKey key) {
        if (key.defaultValue == ConfigDef.NO_DEFAULT_VALUE) return "<required>";
        return key.defaultValue == null ? "<none>" : ConfigDef.convertToString(key.defaultValue, key.type);
    }

    private static String checkOf(ConfigDef.ConfigKey key) {
        return key.validator == null ? "" : key.validator.toString();
    }
}
