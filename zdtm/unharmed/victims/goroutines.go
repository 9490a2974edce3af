// Goroutines with small stacks in the heap that compute, check their sums, talk to each other and make garbage.
package main

import (
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"
)

const many = 50

var counters [many]uint64

func sum(a uint64) uint64 {
	x := 1.0
	for i := 0; i < 2000; i++ {
		a = a*6364136223846793005 + 1442695040888963407
		x = x*1.00001 + float64(a&7)
	}
	return a ^ uint64(x)
}

func deep(n int, a uint64) uint64 {
	var room [32]uint64
	for i := range room {
		room[i] = a + uint64(i)
	}
	if n > 0 {
		a = deep(n-1, a+1)
	}
	for i := range room {
		if n == 0 {
			a += room[i]
		} else if room[i]-room[0] != uint64(i) {
			wrong("stack")
		}
	}
	return a
}

func wrong(what string) {
	os.Stderr.WriteString("WRONG " + what + "\n")
	os.Exit(42)
}

func live(me int, in, out chan uint64) {
	want := sum(uint64(me))
	wantDeep := deep(me%20, uint64(me))
	var keep [][]byte
	for n := 0; ; n++ {
		if sum(uint64(me)) != want {
			wrong("sum")
		}
		if deep(me%20, uint64(me)) != wantDeep {
			wrong("deep sum")
		}
		keep = append(keep, make([]byte, 512))
		if len(keep) > 20 {
			keep = nil
		}
		if n%7 == 0 {
			out <- uint64(n)
			<-in
		}
		if n%16 == me%16 {
			time.Sleep(time.Millisecond)
		}
		counters[me]++
	}
}

func main() {
	runtime.GOMAXPROCS(2)
	ring := make([]chan uint64, many)
	for i := range ring {
		ring[i] = make(chan uint64, 4)
	}
	for i := 0; i < many; i++ {
		go live(i, ring[i], ring[(i+1)%many])
	}
	for counters[many-1] == 0 {
		time.Sleep(time.Millisecond)
	}
	at := strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&counters[0]))), 16)
	os.WriteFile(os.Args[1], []byte(at+" "+strconv.Itoa(many)+"\n"), 0o644)
	for {
		time.Sleep(time.Hour)
	}
}
