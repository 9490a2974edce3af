// A TCP server that counts in memory; goroutines sleep, tick and hand numbers round a ring all the while.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const many = 32

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var asked, ticks, rounds uint64
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			atomic.AddUint64(&ticks, 1)
		}
	}()
	ring := make([]chan uint64, many)
	for i := range ring {
		ring[i] = make(chan uint64)
	}
	for i := range ring {
		go func(me int) {
			for got := range ring[me] {
				time.Sleep(time.Millisecond)
				atomic.StoreUint64(&rounds, got)
				ring[(me+1)%many] <- got + 1
			}
		}(i)
	}
	ring[0] <- 1
	fmt.Fprintf(os.Stdout, "port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		client, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		if line, err := bufio.NewReader(client).ReadString('\n'); err == nil {
			asked++
			fmt.Fprintf(client, "%s%d %d %d %d\n", line, os.Getpid(), asked, atomic.LoadUint64(&ticks), atomic.LoadUint64(&rounds))
		}
		client.Close()
	}
}
