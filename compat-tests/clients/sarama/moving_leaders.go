package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

var output sync.Mutex

func say(words ...any) {
	output.Lock()
	defer output.Unlock()
	fmt.Println(strings.TrimSpace(strings.ReplaceAll(fmt.Sprintln(words...), "\n", " ")))
}

// Retries for minutes, not seconds.
func patientConfig() *sarama.Config {
	config := newConfig()
	config.Producer.Return.Errors = true
	config.Producer.Retry.Max = 1000
	config.Metadata.Retry.Max = 1000
	config.Consumer.Group.Rebalance.Retry.Max = 1000
	config.Consumer.Return.Errors = true
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = time.Second
	return config
}

// A member that joins its group does not try again when the connection is lost: see FINDINGS.md.
func isLostConnection(err error) bool {
	var failed *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &failed)
}

// One member of the group. sarama has the classic protocol alone.
type member struct {
	topic, group string
	number       int
}

func (m member) tell(what string, words ...any) {
	say(append([]any{what, m.group, m.number}, words...)...)
}

func (m member) claims(what string, session sarama.ConsumerGroupSession) error {
	words := []any{}
	for _, partition := range session.Claims()[m.topic] {
		words = append(words, partition)
	}
	m.tell(what, words...)
	return nil
}

func (m member) Setup(session sarama.ConsumerGroupSession) error {
	return m.claims("assigned", session)
}
func (m member) Cleanup(session sarama.ConsumerGroupSession) error {
	return m.claims("revoked", session)
}

// Marks what was read. The client commits it every second and at the end of the session, and does not say when.
func (m member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.tell("read", message.Partition, message.Offset, string(message.Key), string(message.Value))
			session.MarkMessage(message, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m member) run(ctx context.Context, brokers []string, rejoin chan bool) {
	for ctx.Err() == nil {
		joined, leave := context.WithCancel(ctx)
		go func() {
			select {
			case <-rejoin:
			case <-joined.Done():
			}
			leave()
		}()
		m.consume(joined, brokers)
		leave()
	}
}

func (m member) consume(ctx context.Context, brokers []string) {
	config := patientConfig()
	config.Consumer.Offsets.AutoCommit.Enable = true
	consumer, err := sarama.NewConsumerGroup(brokers, m.group, config)
	must(err)
	// Errors that sarama retries. They are not for the application, which cannot do anything about them.
	go func() {
		for err := range consumer.Errors() {
			m.tell("note", err)
		}
	}()
	for ctx.Err() == nil {
		err := consumer.Consume(ctx, []string{m.topic}, m)
		if isLostConnection(err) {
			m.tell("note", err)
		} else if err != nil {
			m.tell("error", err)
		}
	}
	if err := consumer.Close(); err != nil {
		m.tell("error", "close:", err)
	}
}

func produceWhileLeadersMove(ctx context.Context, brokers []string, topic string, rate int) {
	producer, err := sarama.NewAsyncProducer(brokers, patientConfig())
	must(err)
	text := func(encoder sarama.Encoder) string {
		bytes, _ := encoder.Encode()
		return string(bytes)
	}
	var sent, heard sync.WaitGroup
	heard.Go(func() {
		for message := range producer.Successes() {
			say("acked", message.Partition, message.Offset, text(message.Key), text(message.Value))
			sent.Done()
		}
	})
	heard.Go(func() {
		for failed := range producer.Errors() {
			say("failed", text(failed.Msg.Key), text(failed.Msg.Value), failed.Err)
			sent.Done()
		}
	})
	number := 0
	for tick := time.NewTicker(time.Second / time.Duration(rate)); ctx.Err() == nil; number++ {
		<-tick.C
		key, value := fmt.Sprintf("k%d", number%32), strconv.Itoa(number)
		sent.Add(1)
		producer.Input() <- &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)}
	}
	sent.Wait() // a producer that closes gives up what it retries: see FINDINGS.md
	producer.AsyncClose()
	heard.Wait()
	say("produced", number)
}

// Program for ../../moving-leaders/client-process.ts.
func movingLeaders(bootstrap, topic string, rate int) {
	brokers := strings.Split(bootstrap, ",")
	producing, stop := context.WithCancel(context.Background())
	consuming, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	rejoin := map[string]chan bool{}
	for number := range 2 {
		asked := make(chan bool, 100)
		rejoin[fmt.Sprintf("rejoin %s-classic %d", topic, number)] = asked
		running.Go(func() { member{topic, topic + "-classic", number}.run(consuming, brokers, asked) })
	}
	running.Go(func() { produceWhileLeadersMove(producing, brokers, topic, rate) })
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
