//go:build unix

package load

import (
	"context"
	"flag"
	"io"
	"os"
	"syscall"
	"testing"

	"golang.org/x/exp/trace"
)

var benchTrace = flag.String("benchtrace", "../../../fixtures/traces/real/webshop-go1.26-p4.trace", "what BenchmarkReaders reads")

// BenchmarkReaders compares what both readers, with the translation into the
// model's events, cost of CPU time an event, and a bare loop that only reads.
func BenchmarkReaders(b *testing.B) {
	b.Run("floor", func(b *testing.B) { benchCPU(b, bareLoop) })
	for name, reader := range map[string]string{"own": "", "reference": ReferenceReader} {
		b.Run(name, func(b *testing.B) {
			benchCPU(b, func(b *testing.B, in io.Reader) int64 {
				t, err := Load(context.Background(), in, Options{Reader: reader}, func(*Batch) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
				return t.Events
			})
		})
	}
}

func bareLoop(b *testing.B, in io.Reader) (events int64) {
	r, err := trace.NewReader(in)
	if err != nil {
		b.Fatal(err)
	}
	for {
		switch _, err := r.ReadEvent(); err {
		case nil:
			events++
		case io.EOF:
			return events
		default:
			b.Fatal(err)
		}
	}
}

// benchCPU measures CPU time, of all goroutines: wall time depends on how many
// processors are free. The file is read anew each time: with it in memory, the
// garbage collector would have less to do than it has in a program.
func benchCPU(b *testing.B, read func(*testing.B, io.Reader) (events int64)) {
	var events int64
	before := cpuTime(b)
	for b.Loop() {
		in, err := os.Open(*benchTrace)
		if err != nil {
			b.Fatal(err)
		}
		events += read(b, in)
		in.Close()
	}
	b.ReportMetric(float64(cpuTime(b)-before)/float64(events), "cpu-ns/event")
}

func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
