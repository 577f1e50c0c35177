// Client for ../matrix/matrix-client.ts with franz-go.
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

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func connect(bootstrap string, options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap))...)
	must(err)
	return client
}

func produce(ctx context.Context, bootstrap, topic, codec string, count int) {
	client := connect(bootstrap, kgo.ProducerBatchCompression(codecs[codec]), kgo.ProducerLinger(20*time.Millisecond),
		kgo.AllowAutoTopicCreation())
	defer client.Close()
	var records []*kgo.Record
	for i := 0; i < count; i++ {
		records = append(records, &kgo.Record{
			Topic: topic, Key: []byte(fmt.Sprintf("key-%d", i)), Value: []byte(fmt.Sprintf("%d:%s", i, strings.Repeat("x", i%100))),
			Headers: []kgo.RecordHeader{{Key: "index", Value: []byte(strconv.Itoa(i))}},
		})
	}
	must(client.ProduceSync(ctx, records...).FirstErr())
}

func consume(ctx context.Context, bootstrap, topic, group string, count int) {
	client := connect(bootstrap, kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer client.Close()
	out := json.NewEncoder(os.Stdout)
	for seen := 0; seen < count; {
		fetches := client.PollRecords(ctx, count-seen)
		must(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			seen++
			must(out.Encode(map[string]string{
				"key": string(record.Key), "value": string(record.Value), "index": indexOf(record.Headers),
			}))
		})
	}
	must(client.CommitUncommittedOffsets(ctx))
}

func indexOf(headers []kgo.RecordHeader) string {
	if len(headers) == 0 {
		return ""
	}
	return string(headers[0].Value)
}

func admin(ctx context.Context, bootstrap, topic string) {
	client := kadm.NewClient(connect(bootstrap))
	defer client.Close()
	retention := "9223372036854775807"
	_, err := client.CreateTopic(ctx, 3, 1, map[string]*string{"retention.ms": &retention}, topic)
	must(err)
	topics, err := client.ListTopics(ctx, topic)
	must(err)
	_, err = client.DeleteTopic(ctx, topic)
	must(err)
	after, err := client.ListTopics(ctx)
	must(err)
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"partitions": len(topics[topic].Partitions), "listed": after.Has(topic),
	}))
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
	case "rolling":
		count, err := strconv.Atoi(args[2])
		must(err)
		rolling(args[0], args[1], args[3], count)
	case "moving_leaders":
		rate, err := strconv.Atoi(args[3])
		must(err)
		movingLeaders(args[0], args[1], args[2], rate)
	case "copy":
		copyInTransactions(args[0], args[1], args[2], args[3], args[4], number(args[5]), number(args[6]), number(args[7]), number(args[8]), len(args) > 9)
	case "history":
		history(args[0], args[1], number(args[2]), args[3], number(args[4]))
	case "read":
		readBoth(ctx, args[0], args[1], number(args[2]))
	}
}
