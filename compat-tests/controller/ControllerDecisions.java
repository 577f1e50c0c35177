package org.apache.kafka.controller;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignablePartition;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignableTopic;
import org.apache.kafka.common.message.AlterPartitionRequestData;
import org.apache.kafka.common.message.BrokerRegistrationRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersRequestData.TopicPartitions;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.metadata.*;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.controller.metrics.QuorumControllerMetrics;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.FinalizedControllerFeatures;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.metadata.VersionRange;
import org.apache.kafka.metadata.placement.ClusterDescriber;
import org.apache.kafka.metadata.placement.PlacementSpec;
import org.apache.kafka.metadata.placement.StripedReplicaPlacer;
import org.apache.kafka.metadata.placement.UsableBroker;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.timeline.SnapshotRegistry;

/**
 * Apache Kafka's controller without its log: carries out the commands that it reads, one per line, and prints after each
 * the answer and the state of all partitions. Records are replayed as soon as they are decided.
 */
public class ControllerDecisions {
    private final SnapshotRegistry snapshots = new SnapshotRegistry(new org.apache.kafka.common.utils.internals.LogContext());
    private final FeatureControlManager features = new FeatureControlManager.Builder().setSnapshotRegistry(snapshots)
        .setQuorumFeatures(new QuorumFeatures(1, Map.of(
            "metadata.version", VersionRange.of(MetadataVersion.MINIMUM_VERSION.featureLevel(), MetadataVersion.latestProduction().featureLevel()),
            "eligible.leader.replicas.version", VersionRange.of(0, 1)), List.of(1))).build();
    private final ConfigurationControlManager configs = new ConfigurationControlManager.Builder().setSnapshotRegistry(snapshots)
        .setKafkaConfigSchema(KafkaRaftServer.configSchema()).setFeatureControl(features).setNodeId(1).build();
    private final ClusterControlManager cluster = new ClusterControlManager.Builder().setSnapshotRegistry(snapshots)
        .setClusterId("c").setFeatureControlManager(features)
        .setMetrics(new QuorumControllerMetrics(Optional.empty(), Time.SYSTEM, 1))
        .setBrokerShutdownHandler((id, isClean, records) -> this.replication.handleBrokerShutdown(id, isClean, records)).build();
    private final ReplicationControlManager replication = new ReplicationControlManager.Builder().setSnapshotRegistry(snapshots)
        .setConfigurationControl(configs).setClusterControl(cluster).setFeatureControl(features).build();
    private final List<String> topics = new ArrayList<>();
    private long offset = 0;

    public static void main(String[] args) throws Exception {
        ControllerDecisions controller = null;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("cluster")) controller = new ControllerDecisions(words);
            String answer;
            try {
                answer = controller.carryOut(words);
            } catch (Throwable e) {
                answer = Errors.forException(e) + " " + e.getMessage();
                if (Errors.forException(e) == Errors.UNKNOWN_SERVER_ERROR) e.printStackTrace();
            }
            System.out.println(answer + " | " + controller.state());
        }
    }

    private ControllerDecisions(String[] words) {
        replay(new FeatureLevelRecord().setName("metadata.version").setFeatureLevel(Short.parseShort(words[1])));
        replay(new FeatureLevelRecord().setName("eligible.leader.replicas.version").setFeatureLevel(Short.parseShort(words[2])));
        cluster.activate();
    }

    private String carryOut(String[] words) {
        List<ApiMessageAndVersion> records = new ArrayList<>();
        switch (words[0]) {
            case "cluster": return "NONE";
            case "place": return place(words);
            case "register": return register(Integer.parseInt(words[1]), words[2], words[3], words[4].equals("clean"));
            case "unfence": replication.handleBrokerUnfenced(id(words), epoch(words), records); break;
            case "fence": replication.handleBrokerFenced(id(words), records); break;
            case "shutdown": replication.handleBrokerInControlledShutdown(id(words), epoch(words), records); break;
            case "unregister": replayAll(replication.unregisterBroker(id(words)).records()); return "NONE";
            case "topic": return createTopic(words[1], words[2], words[3], words[4]);
            case "config": return changeConfig(words[1], words[2], words[3]);
            case "isr": return alterPartition(words[1], Integer.parseInt(words[2]), ids(words[3]));
            case "elect": return elect(words[1], words[2], Integer.parseInt(words[3]));
            case "reassign": return reassign(words[1], Integer.parseInt(words[2]), words[3], words[4].equals("true"));
            case "balance": replayAll(replication.maybeBalancePartitionLeaders().records()); return "NONE";
            case "unclean": replayAll(replication.maybeElectUncleanLeaders().records()); return "NONE";
            default: throw new IllegalArgumentException(words[0]);
        }
        replayAll(records);
        return "NONE";
    }

    /** place RANDOM PARTITIONS REPLICAS ID:RACK:FENCED...: each random number is the same one, modulo its bound. */
    private static String place(String[] words) {
        int random = Integer.parseInt(words[1]);
        List<UsableBroker> brokers = new ArrayList<>();
        for (int i = 4; i < words.length; i++) {
            String[] parts = words[i].split(":");
            brokers.add(new UsableBroker(Integer.parseInt(parts[0]), parts[1].equals("-") ? Optional.empty() : Optional.of(parts[1]), parts[2].equals("true")));
        }
        ClusterDescriber describer = new ClusterDescriber() {
            public Iterator<UsableBroker> usableBrokers() {
                return brokers.iterator();
            }
            public Uuid defaultDir(int brokerId) {
                return Uuid.ZERO_UUID;
            }
        };
        Random same = new Random() {
            @Override public int nextInt(int bound) {
                return random % bound;
            }
        };
        return new StripedReplicaPlacer(same).place(new PlacementSpec(0, Integer.parseInt(words[2]), Short.parseShort(words[3])), describer)
            .assignments().stream().map(each -> each.replicas().stream().map(String::valueOf).collect(Collectors.joining(","))).collect(Collectors.joining(";"));
    }

    private static int id(String[] words) {
        return Integer.parseInt(words[1]);
    }

    private long epoch(String[] words) {
        return cluster.brokerRegistrations().get(id(words)).epoch();
    }

    private static List<Integer> ids(String text) {
        return text.isEmpty() || text.equals("none") ? List.of() : Arrays.stream(text.split(",")).map(Integer::valueOf).collect(Collectors.toList());
    }

    private String register(int id, String incarnation, String directory, boolean isClean) {
        BrokerRegistration known = cluster.brokerRegistrations().get(id);
        BrokerRegistrationRequestData request = new BrokerRegistrationRequestData().setBrokerId(id).setClusterId("c")
            .setIncarnationId(Uuid.fromString(incarnation)).setLogDirs(List.of(Uuid.fromString(directory)))
            .setPreviousBrokerEpoch(isClean && known != null ? known.epoch() : -1);
        for (Map.Entry<String, Short> each : features.finalizedFeatures(Long.MAX_VALUE).featureMap().entrySet())
            request.features().add(new BrokerRegistrationRequestData.Feature().setName(each.getKey())
                .setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 40));
        FinalizedControllerFeatures finalized = features.finalizedFeatures(Long.MAX_VALUE);
        replayAll(cluster.registerBroker(request, offset, finalized, true).records());
        return "NONE";
    }

    private String createTopic(String name, String minIsr, String unclean, String partitions) {
        CreatableTopic topic = new CreatableTopic().setName(name).setNumPartitions(-1).setReplicationFactor((short) -1);
        int index = 0;
        for (String replicas : partitions.split(";"))
            topic.assignments().add(new CreatableReplicaAssignment().setPartitionIndex(index++).setBrokerIds(ids(replicas)));
        topic.configs().add(new CreatableTopicConfig().setName("min.insync.replicas").setValue(minIsr));
        topic.configs().add(new CreatableTopicConfig().setName("unclean.leader.election.enable").setValue(unclean));
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        request.topics().add(topic);
        var result = replication.createTopics(context(), request, Set.of(name), false);
        var answer = result.response().topics().find(name);
        if (answer.errorCode() == 0) topics.add(name);
        replayAll(result.records());
        return Errors.forCode(answer.errorCode()) + " " + answer.errorMessage();
    }

    private String changeConfig(String topic, String name, String value) {
        replayAll(configs.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic),
            Map.of(name, Map.entry(org.apache.kafka.clients.admin.AlterConfigOp.OpType.SET, value))), true, false).records());
        return "NONE";
    }

    private static ControllerRequestContext context() {
        return new ControllerRequestContext(new RequestHeaderData().setRequestApiVersion((short) 3), KafkaPrincipal.ANONYMOUS, OptionalLong.empty());
    }

    private PartitionRegistration partition(String topic, int index) {
        return replication.getPartition(replication.getTopicId(topic), index);
    }

    private String alterPartition(String topic, int index, List<Integer> isr) {
        PartitionRegistration before = partition(topic, index);
        AlterPartitionRequestData request = new AlterPartitionRequestData().setBrokerId(before.leader)
            .setBrokerEpoch(cluster.brokerRegistrations().get(before.leader).epoch());
        request.topics().add(new AlterPartitionRequestData.TopicData().setTopicId(replication.getTopicId(topic)).setPartitions(List.of(
            new AlterPartitionRequestData.PartitionData().setPartitionIndex(index).setLeaderEpoch(before.leaderEpoch)
                .setPartitionEpoch(before.partitionEpoch).setLeaderRecoveryState((byte) 0)
                .setNewIsrWithEpochs(isr.stream().map(id -> new AlterPartitionRequestData.BrokerState().setBrokerId(id)).toList()))));
        var result = replication.alterPartition(context(), request);
        replayAll(result.records());
        return "NONE";
    }

    private String elect(String type, String topic, int index) {
        ElectLeadersRequestData request = new ElectLeadersRequestData().setElectionType((byte) (type.equals("unclean") ? 1 : 0))
            .setTopicPartitions(new ElectLeadersRequestData.TopicPartitionsCollection());
        request.topicPartitions().add(new TopicPartitions().setTopic(topic).setPartitions(List.of(index)));
        var result = replication.electLeaders(request);
        replayAll(result.records());
        var answer = result.response().replicaElectionResults().get(0).partitionResult().get(0);
        return Errors.forCode(answer.errorCode()) + " " + answer.errorMessage();
    }

    private String reassign(String topic, int index, String replicas, boolean allowsReplicationFactorChange) {
        List<Integer> target = replicas.equals("null") ? null : ids(replicas);
        var request = new AlterPartitionReassignmentsRequestData().setAllowReplicationFactorChange(allowsReplicationFactorChange)
            .setTopics(List.of(new ReassignableTopic().setName(topic).setPartitions(List.of(
                new ReassignablePartition().setPartitionIndex(index).setReplicas(target)))));
        var result = replication.alterPartitionReassignments(request);
        replayAll(result.records());
        var answer = result.response().responses().get(0).partitions().get(0);
        return Errors.forCode(answer.errorCode()) + " " + answer.errorMessage();
    }

    private void replayAll(List<ApiMessageAndVersion> records) {
        for (ApiMessageAndVersion each : records) replay(each.message());
    }

    private void replay(ApiMessage message) {
        if (message instanceof FeatureLevelRecord record) features.replay(record);
        else if (message instanceof ConfigRecord record) configs.replay(record);
        else if (message instanceof RegisterBrokerRecord record) cluster.replay(record, offset);
        else if (message instanceof UnregisterBrokerRecord record) cluster.replay(record);
        else if (message instanceof BrokerRegistrationChangeRecord record) cluster.replay(record);
        else if (message instanceof TopicRecord record) replication.replay(record);
        else if (message instanceof PartitionRecord record) replication.replay(record);
        else if (message instanceof PartitionChangeRecord record) replication.replay(record);
        else if (message instanceof ClearElrRecord record) replication.replay(record);
        else throw new IllegalArgumentException("no replay of " + message);
        offset++;
    }

    private String state() {
        List<String> parts = new ArrayList<>();
        for (BrokerRegistration each : cluster.brokerRegistrations().values().stream().sorted((a, b) -> a.id() - b.id()).toList())
            parts.add(each.id() + (each.fenced() ? " fenced" : "") + (each.inControlledShutdown() ? " stopping" : ""));
        for (String topic : topics)
            for (int index = 0; partition(topic, index) != null; index++) parts.add(topic + "-" + index + " " + show(partition(topic, index)));
        return String.join("; ", parts);
    }

    private static String show(PartitionRegistration each) {
        return "leader " + each.leader + " of " + list(each.replicas) + " in sync " + (each.isr.length == 0 ? "none" : list(each.isr))
            + some(" adding ", each.addingReplicas) + some(" removing ", each.removingReplicas) + some(" eligible ", each.elr)
            + some(" last known ", each.lastKnownElr) + (each.leaderRecoveryState.value() == 1 ? " recovering" : "")
            + " epochs " + each.leaderEpoch + "/" + each.partitionEpoch
            + " in " + Arrays.stream(each.directories).map(Uuid::toString).collect(Collectors.joining(","));
    }

    private static String some(String label, int[] ids) {
        return ids.length == 0 ? "" : label + list(ids);
    }

    private static String list(int[] ids) {
        return Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(","));
    }
}
