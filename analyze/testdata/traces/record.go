//go:build ignore

// Record writes the traces of this folder: a small program that does a little
// of everything and idles most of the time, so that several generations stay
// small. Each trace is named after the Go version that recorded it.
//
// In an empty folder, with this file copied into it:
//
//	GOTOOLCHAIN=go1.22.12 go run record.go go1.22.trace
//	GOTOOLCHAIN=go1.26.8 go run -race record.go -t 200ms go1.26-race.trace
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"syscall"
	"time"
)

func main() {
	length := flag.Duration("t", 3200*time.Millisecond, "how long to record; a generation takes about a second")
	flag.Parse()
	f, err := os.Create(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	if err := trace.Start(f); err != nil {
		log.Fatal(err)
	}
	end := time.Now().Add(*length)
	for time.Now().Before(end) {
		round()
		time.Sleep(200 * time.Millisecond)
	}
	trace.Stop()
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

var sink []byte

func round() {
	ctx, task := trace.NewTask(context.Background(), "round")
	defer task.End()
	var wg sync.WaitGroup
	var mu sync.Mutex
	c := make(chan int)
	for i := 0; i < 3; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer trace.StartRegion(ctx, "worker").End()
			for v := range c {
				mu.Lock()
				sink = make([]byte, 20_000*v)
				mu.Unlock()
				runtime.Gosched()
			}
		}()
	}
	for i := 0; i < 6; i++ {
		c <- i
	}
	close(c)
	wg.Wait()
	trace.Log(ctx, "state", "half")
	var ts syscall.Timespec
	ts.Nsec = 1e5
	syscall.Nanosleep(&ts, nil)
}
