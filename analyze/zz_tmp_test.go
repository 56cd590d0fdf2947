package analyze

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/exp/trace"
)

func TestMain(m *testing.M) {
	f := os.Getenv("TMPBENCH")
	if f == "" {
		os.Exit(m.Run())
	}
	r, _ := os.Open(f)
	if p := os.Getenv("PROF"); p != "" {
		o, _ := os.Create(p)
		pprof.StartCPUProfile(o)
		defer o.Close()
		defer pprof.StopCPUProfile()
	}
	t0 := time.Now()
	n := int64(0)
	if os.Getenv("FLOOR") != "" {
		rd, _ := trace.NewReader(bufio.NewReader(r))
		for {
			_, err := rd.ReadEvent()
			if err == io.EOF {
				break
			}
			if err != nil {
				fmt.Println(err)
				break
			}
			n++
		}
	} else {
		w, _ := strconv.Atoi(os.Getenv("WORKERS"))
		tr, err := load(context.Background(), r, Options{Workers: w}, func(b *batch) error { return nil })
		n = tr.Events
		if err != nil || !tr.Complete {
			fmt.Println(tr, err)
		}
	}
	var ru syscall.Rusage
	wall := time.Since(t0)
	syscall.Getrusage(0, &ru)
	cpu := time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	fmt.Printf("%s floor=%s w=%s events=%d wall=%v cpu=%v rss=%dMiB\n", f, os.Getenv("FLOOR"), os.Getenv("WORKERS"), n, wall, cpu, ru.Maxrss>>10)
}
