import java.nio.file.Path;
import java.util.Properties;
import org.apache.zookeeper.server.ServerConfig;
import org.apache.zookeeper.server.ZooKeeperServerMain;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

/**
 * Apache Kafka 2.8.2 and its ZooKeeper in one process. Arguments: port of ZooKeeper, its folder, server.properties.
 *
 * Run with: java -cp "<jars of Apache Kafka 2.8.2>/*" OldKafkaBroker.java 2181 zookeeper server.properties
 */
public class OldKafkaBroker {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("dataDir", Path.of(args[1]).toAbsolutePath().toString());
        properties.setProperty("clientPort", args[0]);
        properties.setProperty("clientPortAddress", "127.0.0.1");
        properties.setProperty("admin.enableServer", "false");
        QuorumPeerConfig parsed = new QuorumPeerConfig();
        parsed.parseProperties(properties);
        ServerConfig config = new ServerConfig();
        config.readFrom(parsed);
        Thread zooKeeper = new Thread(() -> {
            try {
                new ZooKeeperServerMain().runFromConfig(config);
            } catch (Exception e) {
                e.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        });
        zooKeeper.setDaemon(true);
        zooKeeper.start();
        kafka.Kafka.main(new String[] {args[2]});
    }
}
