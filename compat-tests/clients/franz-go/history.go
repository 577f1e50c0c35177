package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	patience  = time.Minute
	firstWait = 200 * time.Millisecond
)

type historyTransaction struct {
	Ops []struct {
		Send *historyRecord
		Poll int
	}
	End string
}

type historyRecord struct {
	Partition int32  `json:"partition"`
	Offset    *int64 `json:"offset,omitempty"`
	Value     string `json:"value"`
}

type historyClient struct {
	topic              string
	producer, consumer *kgo.Client
	// What this transaction did so far. The offset of a record is known later.
	done []any
	// Error of a record of this transaction.
	unsent error
}

// Verb of ../../histories/history-process.ts.
func history(bootstrap, topic string, partitions int, transactionalID string, transactionTimeoutMs int) {
	offsets := map[int32]kgo.Offset{}
	for partition := range int32(partitions) {
		offsets[partition] = kgo.NewOffset().At(0)
	}
	h := &historyClient{
		topic: topic,
		producer: connectAll(bootstrap, kgo.TransactionalID(transactionalID), kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.TransactionTimeout(time.Duration(transactionTimeoutMs)*time.Millisecond)),
		consumer: connectAll(bootstrap, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}),
			kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchIsolationLevel(kgo.ReadCommitted())),
	}
	fail(patiently(h.initialise))
	tell("ready", nil)
	for lines := json.NewDecoder(os.Stdin); ; {
		var asked historyTransaction
		err := lines.Decode(&asked)
		if err == io.EOF {
			return
		}
		must(err)
		h.transact(asked)
	}
}

// Calls it with a context that ends in a minute.
func patiently(operation func(context.Context) error) error {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	return operation(ctx)
}

func (h *historyClient) initialise(ctx context.Context) error {
	for {
		_, _, err := h.producer.ProducerID(ctx)
		if err == nil || !isTransient(err) || ctx.Err() != nil {
			return err
		}
		log.Print(err)
		time.Sleep(100 * time.Millisecond)
	}
}

func isTransient(err error) bool {
	return kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) || isDial(err)
}

func (h *historyClient) transact(asked historyTransaction) {
	h.done, h.unsent = []any{}, nil
	if err := h.begin(); err != nil {
		h.giveUp(err)
	}
	for _, op := range asked.Ops {
		if op.Send != nil {
			h.send(op.Send)
		} else {
			h.poll(op.Poll)
		}
	}
	err := patiently(h.flush)
	if asked.End == "commit" && err == nil {
		if err = patiently(h.commit); err == nil {
			h.answer("committed", nil)
			return
		}
		if !errors.Is(err, kerr.OperationNotAttempted) && !errors.Is(err, kerr.TransactionAbortable) {
			h.giveUp(err)
		}
	}
	if failure := patiently(h.abort); failure != nil {
		h.giveUp(errors.Join(err, failure))
	}
	h.answer("aborted", err)
}

// The client may load the producer id here, without a context.
func (h *historyClient) begin() error {
	begun := make(chan error, 1)
	go func() { begun <- h.producer.BeginTransaction() }()
	select {
	case err := <-begun:
		return err
	case <-time.After(patience):
		return context.DeadlineExceeded
	}
}

func (h *historyClient) send(record *historyRecord) {
	sent := &kgo.Record{Topic: h.topic, Partition: record.Partition, Value: []byte(record.Value)}
	h.producer.Produce(context.Background(), sent, func(sent *kgo.Record, err error) {
		if err == nil {
			record.Offset = &sent.Offset
		} else if h.unsent == nil {
			h.unsent = err
		}
	})
	h.done = append(h.done, map[string]any{"sent": record})
}

func (h *historyClient) poll(count int) {
	ctx, stop := context.WithTimeout(context.Background(), firstWait)
	defer stop()
	fetches := h.consumer.PollRecords(ctx, count)
	fetches.EachError(func(_ string, _ int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) && !isTransient(err) {
			fail(err)
		}
	})
	polled := []historyRecord{}
	fetches.EachRecord(func(record *kgo.Record) {
		polled = append(polled, historyRecord{record.Partition, &record.Offset, string(record.Value)})
	})
	h.done = append(h.done, map[string]any{"polled": polled})
}

// A commit does not fail if a record failed.
func (h *historyClient) flush(ctx context.Context) error {
	if err := h.producer.Flush(ctx); err != nil {
		return err
	}
	return h.unsent
}

func (h *historyClient) commit(ctx context.Context) error {
	return h.producer.EndTransaction(ctx, kgo.TryCommit)
}

func (h *historyClient) abort(ctx context.Context) error {
	if err := h.producer.AbortBufferedRecords(ctx); err != nil {
		return err
	}
	return h.producer.EndTransaction(ctx, kgo.TryAbort)
}

func (h *historyClient) answer(did string, err error) {
	more := map[string]any{"ops": h.done}
	if err != nil {
		more["error"] = err.Error()
	}
	tell(did, more)
}

// It is unknown how the transaction ended.
func (h *historyClient) giveUp(err error) {
	h.answer("unknown", err)
	os.Exit(1)
}
