package explain

import (
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// fileLocks answers: is who had the locks of files that goroutines waited for in this trace?
// Who gives one back makes a call when the wait ends: where no other goroutine does, another
// process had it.
type fileLocks struct {
	names  *names.Table
	stands *replay.Stood
	lock   names.Flags // of stacks: waits for the lock of a file
	lets   names.Flags // of stacks: may give one back
	calls  []fileCall  // the last that may give one back
	open   []fileWait  // that ended so short a time ago that who gave it back may yet show
	ns     int64       // of waits
	here   int64       // of those: another goroutine may have given it back
}

// fileCall is a call that may give back a lock.
type fileCall struct {
	g        model.GoID
	from, to model.Time
}

// fileWait is a wait for one.
type fileWait struct {
	g   model.GoID
	end model.Time
	ns  int64
}

const (
	fileLong = 1_000_000 // ns: a shorter call did not wait for anybody
	fileSoon = 1_000_000 // ns by which who gives a lock back is ahead of the end of the wait, at most
	fileKept = 256       // calls, and waits
)

func newFileLocks(s *replay.Session) *fileLocks {
	return &fileLocks{names: s.Names, stands: replay.Shared(s, replay.NewStood)}
}

// Watch takes in calls about files.
func (w *fileLocks) Watch(f *model.Facts) {
	for _, i := range w.stands.At {
		iv := &f.Gs[i]
		if iv.State != model.GSyscall || iv.Stack == 0 || iv.Open != 0 || !w.lets.Of(w.names, iv.Stack, names.LetsGoOfFile) {
			continue
		}
		switch ns := int64(iv.End - iv.Start); {
		case ns < fileLong:
			w.letGo(fileCall{iv.G, iv.Start, iv.End})
		case w.lock.Of(w.names, iv.Stack, func(frames []report.Frame) bool { c := names.CallOf(frames); return c != nil && c.Locks }):
			w.waited(fileWait{iv.G, iv.End, ns})
		}
	}
}

// letGo takes in a call that may have ended waits.
func (w *fileLocks) letGo(c fileCall) {
	w.calls = kept(w.calls, c)
	w.open = slices.DeleteFunc(w.open, func(x fileWait) bool {
		ends := x.by(&c)
		if ends {
			w.here += x.ns
		}
		return ends || c.to-x.end > fileSoon
	})
}

func (w *fileLocks) waited(x fileWait) {
	w.ns += x.ns
	if slices.ContainsFunc(w.calls, func(c fileCall) bool { return x.by(&c) }) {
		w.here += x.ns
		return
	}
	w.open = kept(w.open, x)
}

// kept is a list of the last few with one more.
func kept[T any](list []T, x T) []T {
	if len(list) == fileKept {
		list = slices.Delete(list, 0, fileKept/2)
	}
	return append(list, x)
}

// by reports whether a call may have ended the wait.
func (x *fileWait) by(c *fileCall) bool {
	return c.g != x.g && c.from <= x.end && c.to >= x.end-fileSoon
}

// elsewhere reports whether hardly any wait ended as another goroutine may have given the lock
// back.
func (w *fileLocks) elsewhere() bool { return w.ns > 0 && w.here*10 <= w.ns }

// lookFiles finds out whether another process had what was waited for.
func lookFiles(a *account, _ rootKey, t *tale) {
	c := t.callKind()
	t.elsewhere = c != nil && c.Locks && a.e.files.elsewhere()
}

// sureOfCall says how sure it is who had the lock of a file.
func (t *tale) sureOfCall() (string, string) {
	if !t.elsewhere {
		return "high", ""
	}
	return "medium", "that no goroutine of this trace unlocked or closed a file when the wait ended is in the trace; who else has the file open is not"
}
