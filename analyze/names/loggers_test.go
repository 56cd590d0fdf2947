package names

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

func spacedFrames(stack string) []report.Frame {
	var frames []report.Frame
	for _, fn := range strings.Fields(stack) {
		frames = append(frames, report.Frame{Func: fn})
	}
	return frames
}

// TestLogs: the lock of a logger is told from one that is held while something is logged.
func TestLogs(t *testing.T) {
	for stack, want := range map[string]bool{
		"internal/sync.(*Mutex).lockSlow sync.(*Mutex).Lock log.(*Logger).output log.(*Logger).Printf main.logf":                             true,
		"sync.(*Mutex).Lock log/slog.(*commonHandler).handle log/slog.(*JSONHandler).Handle log/slog.(*Logger).log main.serve":               true,
		"sync.(*Mutex).Lock go.uber.org/zap/zapcore.(*lockedWriteSyncer).Write go.uber.org/zap/zapcore.(*ioCore).Write main.serve":           true,
		"sync.(*Mutex).Lock main.(*shop).pay log.(*Logger).output":                                                                           false,
		"sync.(*Mutex).Lock github.com/acme/log.(*Logger).outputs main.serve":                                                                false,
		"internal/poll.runtime_pollWait internal/poll.(*FD).Write os.(*File).Write log.(*Logger).output log.(*Logger).Printf main.(*shop).f": false,
	} {
		if got := Logs(spacedFrames(stack)); got != want {
			t.Errorf("%s: %v", stack, got)
		}
	}
}

// TestPoolInside: a pool that waits at a semaphore is told of, not the semaphore, which no
// program has the limit of.
func TestPoolInside(t *testing.T) {
	for stack, want := range map[string]string{
		"golang.org/x/sync/semaphore.(*Weighted).Acquire github.com/jackc/puddle/v2.(*Pool[...]).acquire github.com/jackc/pgx/v5/pgxpool.(*Pool).Acquire main.get": "jackc/puddle/v2.(*Pool[...]).",
		"golang.org/x/sync/semaphore.(*Weighted).Acquire main.get":                         "golang.org/x/sync/semaphore.(*Weighted).Acquire",
		"database/sql.(*DB).conn database/sql.(*DB).query main.get":                        "database/sql.(*DB).conn",
		"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology.(*pool).checkOut main.get": "mongo/driver/topology.(*pool).checkOut",
	} {
		if p := PoolOf(spacedFrames(stack)); p == nil || p.Func != want {
			t.Errorf("%s: %+v", stack, p)
		}
	}
}
