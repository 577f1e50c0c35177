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
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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

// Verb of ../transactions/copy-process.ts.
func copyInTransactions(bootstrap, input, output, group, transactionalID string, count, abortEvery, holdAt, sessionMs int, consumerProtocol bool) {
	ctx := context.Background()
	session := time.Duration(sessionMs) * time.Millisecond
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.AlwaysRetryEOF(), kgo.TransactionalID(transactionalID),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ConsumerGroup(group), kgo.ConsumeTopics(input),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(), kgo.FetchMaxWait(200 * time.Millisecond),
	}
	if consumerProtocol {
		options = append(options, balancers["consumer"]...)
	} else {
		options = append(options, kgo.SessionTimeout(session), kgo.HeartbeatInterval(session/5))
	}
	client, err := kgo.NewGroupTransactSession(options...)
	fail(err)
	_, _, err = client.Client().ProducerID(ctx)
	fail(err)
	tell("ready", nil)
	for transaction, committed := 0, 0; committed < count; {
		fetches := client.PollRecords(ctx, maxRecords)
		fetches.EachError(func(_ string, _ int32, err error) { log.Print(err) })
		records := fetches.Records()
		if len(records) == 0 {
			continue
		}
		what := map[string]any{"transaction": transaction, "count": len(records)}
		fail(client.Begin())
		for _, record := range records {
			value := fmt.Appendf(nil, "%s %d %d", record.Value, os.Getpid(), transaction)
			copied := &kgo.Record{Topic: output, Partition: record.Partition, Key: record.Key, Value: value}
			client.Produce(ctx, copied, func(_ *kgo.Record, err error) {
				if err != nil {
					log.Print(err) // the transaction cannot be committed
				}
			})
		}
		fail(client.Client().Flush(ctx))
		if transaction == holdAt {
			tell("held", what)
			bufio.NewReader(os.Stdin).ReadString('\n')
		}
		isWanted := abortEvery == 0 || transaction%abortEvery != abortEvery-1
		isCommitted, err := client.End(ctx, kgo.TransactionEndTry(isWanted))
		fail(err)
		if isCommitted {
			committed += len(records)
			tell("committed", what)
		} else {
			tell("aborted", what)
		}
		transaction++
	}
	client.Close()
}

// Verb of ../transactions/copy-process.ts.
func readBoth(ctx context.Context, bootstrap, topic string, partitions int) {
	levels := map[string]kgo.IsolationLevel{"read_committed": kgo.ReadCommitted(), "read_uncommitted": kgo.ReadUncommitted()}
	for isolation, level := range levels {
		client := connect(bootstrap, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		for ended := 0; ended < partitions; {
			fetches := client.PollFetches(ctx)
			must(fetches.Err())
			fetches.EachRecord(func(r *kgo.Record) {
				if string(r.Value) == "end" {
					ended++
					return
				}
				must(json.NewEncoder(os.Stdout).Encode(map[string]any{"isolation": isolation, "partition": r.Partition, "value": string(r.Value)}))
			})
		}
		client.Close()
	}
}
