package perfetto

import (
	"strconv"

	"gmptrace/model"
)

// threads are the tracks of Ms: a slice is a P that one held, or a system call, with the P
// or without it.
type threads struct {
	*exporter
	group uint64
	seq   *sequence
	byM   []threadTrack
	drawn int
	left  int64
}

// threadTrack is the track of one M.
type threadTrack struct {
	uuid  uint64
	seen  bool
	open  bool
	p     model.ProcID
	until model.Time // it is known to hold p
}

// threadName is what a thread is called.
func (x *exporter) threadName(m model.MIndex) string {
	return "M " + strconv.FormatInt(x.session.Names.ThreadID(m), 10)
}

// of is the track of a thread, nil if there are as many as may be.
func (x *threads) of(m model.MIndex) *threadTrack {
	if m < 0 {
		return nil
	}
	for int(m) >= len(x.byM) {
		x.byM = append(x.byM, threadTrack{})
	}
	t := &x.byM[m]
	if !t.seen {
		t.seen = true
		if x.drawn < x.opt.MaxTracks {
			x.drawn++
			t.uuid = x.w.declare(track{parent: x.group, name: x.threadName(m), thread: x.session.Names.ThreadID(m)})
		} else {
			x.left++
		}
	}
	if t.uuid == 0 {
		return nil
	}
	return t
}

// holds writes that a thread held a P.
func (x *threads) holds(iv *model.PInterval) {
	t := x.of(iv.M)
	if t == nil || iv.Does == model.PDoesIdle {
		return
	}
	if t.open && (t.p != iv.P || t.until != iv.Start) {
		x.close(t)
	}
	if !t.open {
		t.open, t.p = true, iv.P
		x.seq.begin(typeSliceBegin, t.uuid)
		x.seq.category("M")
		x.seq.named("P" + strconv.Itoa(int(iv.P)))
		x.seq.end(iv.Start)
	}
	if iv.Does == model.PDoesSyscall {
		x.call(t, iv.Start, iv.End)
	}
	t.until = iv.End
}

// alone writes what a thread did without a P.
func (x *threads) alone(iv *model.MInterval) {
	t := x.of(iv.M)
	if t == nil {
		return
	}
	x.close(t)
	if iv.Does == model.MDoesSyscall {
		x.call(t, iv.Start, iv.End)
	}
}

func (x *threads) call(t *threadTrack, start, end model.Time) {
	x.seq.begin(typeSliceBegin, t.uuid)
	x.seq.category("M")
	x.seq.named(stateSyscall)
	x.seq.end(start)
	x.seq.sliceEnd(end, t.uuid)
}

func (x *threads) close(t *threadTrack) {
	if t.open {
		t.open = false
		x.seq.sliceEnd(t.until, t.uuid)
	}
}

// finish ends what is still open.
func (x *threads) finish() {
	for i := range x.byM {
		x.close(&x.byM[i])
	}
}
