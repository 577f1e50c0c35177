package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const maxRecords = 20

func tell(did string, more map[string]any) {
	line := map[string]any{"did": did}
	for name, value := range more {
		line[name] = value
	}
	must(json.NewEncoder(os.Stdout).Encode(line))
}

func fail(err error) {
	if err != nil {
		tell("failed", map[string]any{"error": err.Error()})
		os.Exit(1)
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	must(err)
	return value
}

// Copies in transactions. sarama has a goroutine for each partition, and a producer has one transaction at a time.
type copier struct {
	output, group             string
	count, abortEvery, holdAt int
	producer                  sarama.AsyncProducer
	transacting               sync.Mutex
	transactions, committed   int
	done                      context.CancelFunc
}

func (c *copier) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (c *copier) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// An aborted transaction ends the session: the next one starts from what was committed.
func (c *copier) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open || !c.transact(session, withMore(message, claim)) {
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

// The message, and those that have arrived after it.
func withMore(message *sarama.ConsumerMessage, claim sarama.ConsumerGroupClaim) []*sarama.ConsumerMessage {
	messages := []*sarama.ConsumerMessage{message}
	for len(messages) < maxRecords {
		select {
		case next, open := <-claim.Messages():
			if !open {
				return messages
			}
			messages = append(messages, next)
		default:
			return messages
		}
	}
	return messages
}

func (c *copier) transact(session sarama.ConsumerGroupSession, messages []*sarama.ConsumerMessage) bool {
	c.transacting.Lock()
	defer c.transacting.Unlock()
	if session.Context().Err() != nil || c.committed >= c.count {
		return false
	}
	transaction := c.transactions
	c.transactions++
	what := map[string]any{"transaction": transaction, "count": len(messages)}
	fail(c.producer.BeginTxn())
	for _, each := range messages {
		value := fmt.Sprintf("%s %d %d", each.Value, os.Getpid(), transaction)
		c.producer.Input() <- &sarama.ProducerMessage{Topic: c.output, Partition: each.Partition,
			Key: sarama.ByteEncoder(each.Key), Value: sarama.StringEncoder(value)}
	}
	for range messages {
		select {
		case <-c.producer.Successes():
		case failed := <-c.producer.Errors():
			fail(failed.Err)
		}
	}
	last := messages[len(messages)-1]
	metadata := sarama.NewConsumerGroupMetadataFromSession(session, c.group, nil)
	fail(c.producer.AddMessageToTxnWithGroupMetadata(last, metadata, nil))
	if transaction == c.holdAt {
		tell("held", what)
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	if c.abortEvery == 0 || transaction%c.abortEvery != c.abortEvery-1 {
		err := c.producer.CommitTxn()
		if err == nil {
			if c.committed += len(messages); c.committed >= c.count {
				c.done()
			}
			tell("committed", what)
			return true
		}
		// The group rebalances: the offsets are those of members that were.
		if c.producer.TxnStatus()&sarama.ProducerTxnFlagFatalError != 0 {
			fail(err)
		}
		log.Print(err)
	}
	fail(c.producer.AbortTxn())
	tell("aborted", what)
	return false
}

// Verb of ../transactions/copy-process.ts.
func copyInTransactions(bootstrap, input, output, group, transactionalID string, count, abortEvery, holdAt, sessionMs int) {
	config := newConfig()
	config.Producer.Return.Errors = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Transaction.ID = transactionalID
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	config.Consumer.MaxWaitTime = 200 * time.Millisecond
	config.Consumer.Group.Session.Timeout = time.Duration(sessionMs) * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = config.Consumer.Group.Session.Timeout / 5
	brokers := strings.Split(bootstrap, ",")
	producer, err := sarama.NewAsyncProducer(brokers, config)
	fail(err)
	tell("ready", nil)
	consumer, err := sarama.NewConsumerGroup(brokers, group, config)
	fail(err)
	ctx, done := context.WithCancel(context.Background())
	c := &copier{output: output, group: group, count: count, abortEvery: abortEvery, holdAt: holdAt, producer: producer, done: done}
	for ctx.Err() == nil {
		if err := consumer.Consume(ctx, []string{input}, c); ctx.Err() == nil {
			fail(err)
		}
	}
	must(consumer.Close())
	must(producer.Close())
}

// Verb of ../transactions/copy-process.ts.
func readBoth(bootstrap, topic string, partitions int) {
	levels := map[string]sarama.IsolationLevel{"read_committed": sarama.ReadCommitted, "read_uncommitted": sarama.ReadUncommitted}
	for isolation, level := range levels {
		config := newConfig()
		config.Consumer.IsolationLevel = level
		consumer, err := sarama.NewConsumer(strings.Split(bootstrap, ","), config)
		must(err)
		for partition := range int32(partitions) {
			reader, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
			must(err)
			for message := range reader.Messages() {
				if string(message.Value) == "end" {
					break
				}
				must(json.NewEncoder(os.Stdout).Encode(map[string]any{"isolation": isolation, "partition": partition, "value": string(message.Value)}))
			}
			must(reader.Close())
		}
		must(consumer.Close())
	}
}
