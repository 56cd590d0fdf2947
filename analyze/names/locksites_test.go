package names

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestLockSites: what stacks that wait for the reason of locks wait for.
func TestLockSites(t *testing.T) {
	for _, x := range []struct {
		stack       string
		locks       bool
		kind        LockKind
		ofCollector bool
		parted      bool
		signals     bool
	}{
		{stack: "sync.runtime_notifyListWait sync.(*Cond).Wait main.(*queue).take", parted: true},
		{stack: "sync.(*Mutex).Lock sync.(*Cond).Wait main.(*queue).take", locks: true},
		{stack: "sync.(*Cond).Signal main.(*queue).put", signals: true},
		{stack: "sync.(*Cond).Broadcast main.(*queue).put"},
		{stack: "sync.(*Mutex).Lock main.pay", locks: true},
		{stack: "internal/sync.(*Mutex).lockSlow sync.(*Mutex).Lock sync.(*RWMutex).Lock main.reload", locks: true, kind: LockWriting},
		{stack: "sync.(*RWMutex).RLock main.get", locks: true, kind: LockReading},
		{stack: "sync.(*WaitGroup).Wait main.main"},
		{stack: "runtime.semacquire runtime.gcMarkDone runtime.gcAssistAlloc runtime.mallocgc main.tree", ofCollector: true},
		{stack: "runtime.gcStart runtime.mallocgc main.tree", ofCollector: true},
		{stack: "sync.runtime_Semacquire sync.(*WaitGroup).Wait main.gcStart"},
	} {
		n := NewNumbering()
		var frames []report.Frame
		for _, fn := range strings.Fields(x.stack) {
			frames = append(frames, report.Frame{Func: fn})
		}
		l, k := &LockSites{Names: &n.Table}, n.Stack(StackFrames{Key: "s", Frames: frames})
		if s := l.Site(k); s.Parted != x.parted || s.Signals != x.signals {
			t.Errorf("%s: parted from its mutex %v, signals %v", x.stack, s.Parted, s.Signals)
		}
		if l.Locking(k) != x.locks || l.Site(k).Lock != x.kind || l.OfCollector(k) != x.ofCollector {
			t.Errorf("%s: locks %v, way %d, of the collector %v", x.stack, l.Locking(k), l.Site(k).Lock, l.OfCollector(k))
		}
	}
}
