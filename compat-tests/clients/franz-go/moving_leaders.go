package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var output sync.Mutex

func say(words ...any) {
	output.Lock()
	defer output.Unlock()
	fmt.Println(strings.TrimSpace(strings.ReplaceAll(fmt.Sprintln(words...), "\n", " ")))
}

// The group rebalances, or has done so: what is not committed is read again.
func isRebalance(err error) bool {
	for _, each := range []error{kerr.RebalanceInProgress, kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.StaleMemberEpoch} {
		if errors.Is(err, each) {
			return true
		}
	}
	return false
}

// No coordinator was found: the client gave up at the second dead broker that it asked. See FINDINGS.md. The next commit
// includes this one.
func isDial(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

func consumeWhileLeadersMove(ctx context.Context, bootstrap, topic, protocol string, number int, rejoin chan bool) {
	for ctx.Err() == nil {
		joined, leave := context.WithCancel(ctx)
		go func() {
			select {
			case <-rejoin:
			case <-joined.Done():
			}
			leave()
		}()
		consumeUntil(joined, bootstrap, topic, protocol, number)
		leave()
	}
}

func consumeUntil(ctx context.Context, bootstrap, topic, protocol string, number int) {
	group := topic + "-" + protocol
	tell := func(what string, words ...any) { say(append([]any{what, group, number}, words...)...) }
	owns := func(what string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			words := []any{}
			for _, partition := range partitions[topic] {
				words = append(words, partition)
			}
			tell(what, words...)
		}
	}
	options := []kgo.Opt{
		kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(10 * time.Second), kgo.HeartbeatInterval(time.Second),
		kgo.OnPartitionsAssigned(owns("assigned")), kgo.OnPartitionsRevoked(owns("revoked")), kgo.OnPartitionsLost(owns("revoked")),
	}
	if protocol == "consumer" {
		options = append(options, balancers["consumer"]...)
	}
	client := connectAll(bootstrap, options...)
	for ctx.Err() == nil {
		poll, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		fetches := client.PollFetches(poll)
		stop()
		fetches.EachError(func(_ string, partition int32, err error) {
			var joining *kgo.ErrGroupSession
			if errors.As(err, &joining) {
				tell("note", err) // the client joins again
			} else if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
				tell("error", "partition", partition, err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) { tell("read", r.Partition, r.Offset, string(r.Key), string(r.Value)) })
		commitRead(client, topic, tell)
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
}

func commitRead(client *kgo.Client, topic string, tell func(string, ...any)) {
	offsets := client.UncommittedOffsets()
	if len(offsets) == 0 {
		return
	}
	if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
		if isRebalance(err) || isDial(err) {
			tell("uncommitted", err)
		} else {
			tell("error", "commit:", err)
		}
		return
	}
	for partition, offset := range offsets[topic] {
		tell("committed", partition, offset.Offset)
	}
}

func connectAll(bootstrap string, options ...kgo.Opt) *kgo.Client {
	seeds := kgo.SeedBrokers(strings.Split(bootstrap, ",")...)
	// A broker may die between accepting a connection and its first answer.
	client, err := kgo.NewClient(append(options, seeds, kgo.AlwaysRetryEOF())...)
	must(err)
	return client
}

func produceWhileLeadersMove(ctx context.Context, bootstrap, topic string, rate int) {
	client := connectAll(bootstrap)
	number := 0
	for tick := time.NewTicker(time.Second / time.Duration(rate)); ctx.Err() == nil; number++ {
		<-tick.C
		record := &kgo.Record{Topic: topic, Key: []byte(fmt.Sprintf("k%d", number%32)), Value: []byte(strconv.Itoa(number))}
		client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
			if err != nil {
				say("failed", string(r.Key), string(r.Value), err)
			} else {
				say("acked", r.Partition, r.Offset, string(r.Key), string(r.Value))
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		say("error producer", err)
	}
	client.Close()
	say("produced", number)
}

// Program for ../../moving-leaders/client-process.ts.
func movingLeaders(bootstrap, topic, protocols string, rate int) {
	producing, stop := context.WithCancel(context.Background())
	consuming, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	rejoin := map[string]chan bool{}
	for _, protocol := range strings.Split(protocols, ",") {
		for number := range 2 {
			asked := make(chan bool, 100)
			rejoin[fmt.Sprintf("rejoin %s-%s %d", topic, protocol, number)] = asked
			running.Go(func() { consumeWhileLeadersMove(consuming, bootstrap, topic, protocol, number, asked) })
		}
	}
	running.Go(func() { produceWhileLeadersMove(producing, bootstrap, topic, rate) })
	for lines := bufio.NewScanner(os.Stdin); lines.Scan() && lines.Text() != "end"; {
		if lines.Text() == "stop" {
			stop()
		} else {
			rejoin[lines.Text()] <- true
		}
	}
	stop()
	end()
	running.Wait()
	say("ended")
}
