// Client for ../matrix/matrix-client.ts with sarama.
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

	"github.com/IBM/sarama"
)

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func newConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	return config
}

func produce(bootstrap, topic, codec string, count int) {
	config := newConfig()
	config.Producer.Compression = codecs[codec]
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	must(err)
	var messages []*sarama.ProducerMessage
	for i := 0; i < count; i++ {
		messages = append(messages, &sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder(fmt.Sprintf("key-%d", i)),
			Value:   sarama.StringEncoder(fmt.Sprintf("%d:%s", i, strings.Repeat("x", i%100))),
			Headers: []sarama.RecordHeader{{Key: []byte("index"), Value: []byte(strconv.Itoa(i))}},
		})
	}
	must(producer.SendMessages(messages))
	must(producer.Close())
}

type handler struct {
	messages chan *sarama.ConsumerMessage
	taken    chan bool
}

func (h handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (h handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				session.Commit()
				return nil
			}
			h.messages <- message
			<-h.taken
			session.MarkMessage(message, "")
		case <-session.Context().Done():
			session.Commit()
			return nil
		}
	}
}

func consume(ctx context.Context, bootstrap, topic, group string, count int) {
	consumer, err := sarama.NewConsumerGroup([]string{bootstrap}, group, newConfig())
	must(err)
	h := handler{messages: make(chan *sarama.ConsumerMessage), taken: make(chan bool)}
	inner, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- consumer.Consume(inner, []string{topic}, h) }()
	out := json.NewEncoder(os.Stdout)
	for seen := 0; seen < count; seen++ {
		select {
		case message := <-h.messages:
			must(out.Encode(map[string]string{
				"key": string(message.Key), "value": string(message.Value), "index": indexOf(message.Headers),
			}))
			h.taken <- true
		case err := <-done:
			log.Fatalf("consume ended after %d: %v", seen, err)
		}
	}
	stop()
	must(<-done)
	must(consumer.Close())
}

func indexOf(headers []*sarama.RecordHeader) string {
	if len(headers) == 0 {
		return ""
	}
	return string(headers[0].Value)
}

func admin(bootstrap, topic string) {
	client, err := sarama.NewClusterAdmin([]string{bootstrap}, newConfig())
	must(err)
	retention := "9223372036854775807"
	must(client.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"retention.ms": &retention}}, false))
	topics, err := client.ListTopics()
	must(err)
	must(client.DeleteTopic(topic))
	after, err := client.ListTopics()
	must(err)
	_, listed := after[topic]
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"partitions": topics[topic].NumPartitions, "listed": listed}))
	must(client.Close())
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args := os.Args[2:]
	switch os.Args[1] {
	case "produce":
		count, err := strconv.Atoi(args[3])
		must(err)
		produce(args[0], args[1], args[2], count)
	case "consume":
		count, err := strconv.Atoi(args[3])
		must(err)
		consume(ctx, args[0], args[1], args[2], count)
	case "admin":
		admin(args[0], args[1])
	case "moving_leaders":
		rate, err := strconv.Atoi(args[3])
		must(err)
		movingLeaders(args[0], args[1], rate)
	case "copy":
		copyInTransactions(args[0], args[1], args[2], args[3], args[4], number(args[5]), number(args[6]), number(args[7]), number(args[8]))
	case "read":
		readBoth(args[0], args[1], number(args[2]))
	}
}
