// See ../README.md.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

type silent struct{}

func (silent) Printf(string, ...interface{}) {}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	address, topic := os.Args[1], os.Args[2]
	conn, _, err := zk.Connect([]string{address}, 10*time.Second, zk.WithLogger(silent{}))
	must(0, err)
	defer conn.Close()
	acl := zk.WorldACL(zk.PermAll)

	ids, _, err := conn.Children("/brokers/ids")
	var endpoints []string
	for _, id := range must(ids, err) {
		data, _, err := conn.Get("/brokers/ids/" + id)
		var broker struct{ Endpoints []string }
		must(0, json.Unmarshal(must(data, err), &broker))
		endpoints = append(endpoints, broker.Endpoints...)
	}
	fmt.Println("brokers", strings.Join(endpoints, ","))

	must(conn.Create("/go", nil, 0, acl))
	var numbers []string
	for i := 0; i < 2; i++ {
		path := must(conn.Create("/go/n-", []byte("x"), zk.FlagEphemeral|zk.FlagSequence, acl))
		numbers = append(numbers, strconv.Itoa(must(strconv.Atoi(path[len(path)-10:]))))
	}
	fmt.Println("numbered", strings.Join(numbers, ","))

	must(conn.Set("/go", []byte("one"), -1))
	if _, err := conn.Set("/go", []byte("two"), 0); errors.Is(err, zk.ErrBadVersion) {
		fmt.Println("refused")
	}

	must(conn.Multi(
		&zk.CheckVersionRequest{Path: "/go", Version: 1},
		&zk.CreateRequest{Path: "/go/a", Data: []byte("1"), Acl: acl},
		&zk.SetDataRequest{Path: "/go/a", Data: []byte("2"), Version: -1},
		&zk.DeleteRequest{Path: "/go/a", Version: -1},
	))
	fmt.Println("together")

	_, _, changed, err := conn.ChildrenW("/brokers/topics")
	must(0, err)
	must(conn.Create("/brokers/topics/"+topic, []byte(`{"version":1,"partitions":{"0":[1]}}`), 0, acl))
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		must(0, errors.New("no event"))
	}
	topics, _, err := conn.Children("/brokers/topics")
	sort.Strings(must(topics, err))
	fmt.Println("topics", strings.Join(topics, ","))
}
