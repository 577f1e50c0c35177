// Client for ../matrix/matrix-client.ts with segmentio/kafka-go.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func produce(ctx context.Context, bootstrap, topic, codec string, count int) {
	writer := &kafka.Writer{Addr: kafka.TCP(bootstrap), Topic: topic, Compression: codecs[codec], RequiredAcks: kafka.RequireAll,
		BatchTimeout: 20 * time.Millisecond, AllowAutoTopicCreation: true, Balancer: &kafka.Hash{}}
	var messages []kafka.Message
	for i := 0; i < count; i++ {
		messages = append(messages, kafka.Message{
			Key: []byte(fmt.Sprintf("key-%d", i)), Value: []byte(fmt.Sprintf("%d:%s", i, strings.Repeat("x", i%100))),
			Headers: []kafka.Header{{Key: "index", Value: []byte(strconv.Itoa(i))}},
		})
	}
	must(writer.WriteMessages(ctx, messages...))
	must(writer.Close())
}

func consume(ctx context.Context, bootstrap, topic, group string, count int) {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{bootstrap}, Topic: topic, GroupID: group,
		StartOffset: kafka.FirstOffset, MaxWait: 100 * time.Millisecond})
	out := json.NewEncoder(os.Stdout)
	var last kafka.Message
	for seen := 0; seen < count; seen++ {
		message, err := reader.FetchMessage(ctx)
		must(err)
		last = message
		must(out.Encode(map[string]string{
			"key": string(message.Key), "value": string(message.Value), "index": indexOf(message.Headers),
		}))
	}
	must(reader.CommitMessages(ctx, last))
	must(reader.Close())
}

func indexOf(headers []kafka.Header) string {
	if len(headers) == 0 {
		return ""
	}
	return string(headers[0].Value)
}

func admin(ctx context.Context, bootstrap, topic string) {
	client := &kafka.Client{Addr: kafka.TCP(bootstrap)}
	created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: 3, ReplicationFactor: 1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: "9223372036854775807"}},
	}}})
	must(err)
	must(created.Errors[topic])
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	must(err)
	deleted, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	must(err)
	must(deleted.Errors[topic])
	// A new transport: the other one caches topic metadata for some seconds.
	fresh := &kafka.Client{Addr: kafka.TCP(bootstrap), Transport: &kafka.Transport{}}
	after, err := fresh.Metadata(ctx, &kafka.MetadataRequest{})
	must(err)
	listed := false
	for _, one := range after.Topics {
		listed = listed || one.Name == topic
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"partitions": len(metadata.Topics[0].Partitions), "listed": listed}))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args := os.Args[2:]
	switch os.Args[1] {
	case "produce":
		count, err := strconv.Atoi(args[3])
		must(err)
		produce(ctx, args[0], args[1], args[2], count)
	case "consume":
		count, err := strconv.Atoi(args[3])
		must(err)
		consume(ctx, args[0], args[1], args[2], count)
	case "admin":
		admin(ctx, args[0], args[1])
	}
}
