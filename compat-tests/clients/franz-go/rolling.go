package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var balancers = map[string][]kgo.Opt{
	"range":              {kgo.Balancers(kgo.RangeBalancer())},
	"roundrobin":         {kgo.Balancers(kgo.RoundRobinBalancer())},
	"sticky":             {kgo.Balancers(kgo.StickyBalancer())},
	"cooperative-sticky": {kgo.Balancers(kgo.CooperativeStickyBalancer())},
	"consumer":           {kgo.Balancers(kgo.StickyBalancer()), kgo.ServerSideBalancer()},
}

// A group of consumers, restarted one after the other while a producer keeps sending.
type group struct {
	bootstrap, topic, balancer string
	sent                       atomic.Int32
	processed                  sync.Map // by number of the record: how often it was processed, *atomic.Int32
	distinct                   atomic.Int32
}

// A member processes, commits, and only then lets the group rebalance: after a clean close no record is lost or
// processed twice.
type member struct {
	group    *group
	client   *kgo.Client
	assigned atomic.Int32
	stop     context.CancelFunc
	done     chan struct{}
}

func (g *group) start(i int) *member {
	m := &member{group: g, done: make(chan struct{})}
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	count := func(by int32) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			m.assigned.Add(by * int32(len(partitions[g.topic])))
		}
	}
	options := []kgo.Opt{
		kgo.ClientID(fmt.Sprintf("%s-%d", g.topic, i)), kgo.ConsumeTopics(g.topic), kgo.ConsumerGroup(g.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.HeartbeatInterval(300 * time.Millisecond),
		kgo.OnPartitionsAssigned(count(1)), kgo.OnPartitionsRevoked(count(-1)), kgo.OnPartitionsLost(count(-1)),
	}
	m.client = connect(g.bootstrap, append(options, balancers[g.balancer]...)...)
	go m.run(ctx)
	return m
}

func (m *member) run(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		fetches := m.client.PollFetches(ctx)
		if ctx.Err() == nil {
			must(fetches.Err())
		}
		fetches.EachRecord(func(record *kgo.Record) {
			times, known := m.group.processed.LoadOrStore(binary.BigEndian.Uint32(record.Value), new(atomic.Int32))
			times.(*atomic.Int32).Add(1)
			if !known {
				m.group.distinct.Add(1)
			}
		})
		must(m.client.CommitUncommittedOffsets(context.Background()))
		m.client.AllowRebalance()
	}
	m.client.CloseAllowingRebalance()
}

func (m *member) end() {
	m.stop()
	<-m.done
}

func (g *group) produce(ctx context.Context, done chan struct{}) {
	defer close(done)
	client := connect(g.bootstrap)
	defer client.Close()
	for ctx.Err() == nil {
		value := binary.BigEndian.AppendUint32(nil, uint32(g.sent.Load()))
		record := &kgo.Record{Topic: g.topic, Key: value, Value: value}
		must(client.ProduceSync(context.Background(), record).FirstErr())
		g.sent.Add(1)
	}
}

func (g *group) until(what string, condition func() bool) {
	for end := time.Now().Add(90 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			log.Fatalf("waited too long until %s: sent=%d processed=%d", what, g.sent.Load(), g.distinct.Load())
		}
	}
}

func rolling(bootstrap, topic, balancer string, count int) {
	g := &group{bootstrap: bootstrap, topic: topic, balancer: balancer}
	producing, stop := context.WithCancel(context.Background())
	defer stop()
	produced := make(chan struct{})
	go g.produce(producing, produced)
	members := make([]*member, count)
	for i := range members {
		members[i] = g.start(i)
	}
	allHavePartitions := func() bool {
		for _, m := range members {
			if m.assigned.Load() <= 0 {
				return false
			}
		}
		return true
	}
	g.until("every member has partitions", allHavePartitions)
	for i := range members {
		members[i].end()
		members[i] = g.start(i)
	}
	g.until("every member has partitions again", allHavePartitions)
	stop()
	<-produced
	g.until("everything is processed", func() bool { return g.distinct.Load() == g.sent.Load() })
	for _, m := range members {
		m.end()
	}
	twice := 0
	g.processed.Range(func(_, times any) bool {
		if times.(*atomic.Int32).Load() > 1 {
			twice++
		}
		return true
	})
	fmt.Printf("%s sent=%d processed=%d twice=%d\n", topic, g.sent.Load(), g.distinct.Load(), twice)
}
