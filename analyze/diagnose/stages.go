package diagnose

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// stages answers: where do goroutines wait to send on channels, who receives there, and
// what do those do from one receive to the next? It keeps figures by place, and by the function
// of who receives; of goroutines that receive it remembers as many as slots has room for.
type stages struct {
	names   *names.Table
	sends   []*sendPlace // by stack
	stages  []*stage     // by the function that receivers started with
	receive names.Flags  // of stacks: receives from a channel
	pools   *names.Pools
	unknown unplaced

	slots []receiver // by a hash of the goroutine; nil before the first
}

const stageSlots = 1024 // goroutines that receive again and again: stages are few

// sendPlace is a place where goroutines wait to send.
type sendPlace struct {
	stack   uint32
	fn      uint32      // function that those goroutines started with
	waits   stat.Sketch // those that ended as somebody received
	longest queued      // its stack is where it was received
	by      []receivedBy
}

// receivedBy is how long goroutines waited until a stage received.
type receivedBy struct {
	stage *stage
	ns    int64
}

// stageTime is what a stage does with its time.
type stageTime uint8

const (
	stageRuns stageTime = iota
	stageRunnable
	stageSyscall
	stageNetwork
	stageSleeps
	stageLock
	stageSends
	stageBlocked
	stageReceives // nothing: it waits for more
	numStageTimes
)

// stageWords say what they do.
var stageWords = [numStageTimes]string{"running", "waiting for a P", "in system calls", "waiting for the network", "sleeping", "waiting for locks", "waiting to send", "blocked otherwise", "waiting to receive"}

// stage is the goroutines that started with one function and receive again and again.
type stage struct {
	fn      uint32 // that they started with
	stack   uint32 // where they receive
	members int64
	turns   int64 // receives
	did     [numStageTimes]int64
	where   map[didAt]int64 // ns
}

// didAt is what was done where.
type didAt struct {
	kind  stageTime
	stack uint32
}

// receiver is a goroutine that has received from one that waited to send.
type receiver struct {
	g     model.GoID
	stage *stage
	again bool // not for the first time: from then on its time counts
}

func newStages(s *replay.Session) *stages {
	return &stages{names: s.Names, pools: &names.Pools{Names: s.Names}}
}

func (w *stages) Watch(f *model.Facts) {
	ps := f.Ps
	for i := range f.Gs {
		iv := &f.Gs[i]
		if w.slots != nil {
			for ; len(ps) > 0 && ps[0].End <= iv.End; ps = ps[1:] {
				w.ran(&ps[0])
			}
		}
		if iv.Runtime || iv.State == model.GRunning {
			continue
		}
		if w.slots != nil {
			if r := w.receiver(iv.G); r != nil && r.again {
				r.stage.spend(w.kind(iv), iv.Stack, iv.End-iv.Start)
			}
		}
		if iv.State == model.GWaiting && (iv.Reason == model.ReasonChanSend || iv.Reason == model.ReasonSelect) {
			w.waited(iv)
		}
	}
	if w.slots != nil {
		for i := range ps {
			w.ran(&ps[i])
		}
	}
}

// ran takes in that a receiver ran. Where it stopped by itself says nothing of where it
// had been.
func (w *stages) ran(iv *model.PInterval) {
	if iv.Does != model.PDoesRun || iv.Runtime {
		return
	}
	if r := w.receiver(iv.G); r != nil && r.again {
		stack := iv.Stack
		if iv.Stopped == model.OpPark || iv.Stopped == model.OpGoexit {
			stack = 0
		}
		r.stage.spend(stageRuns, stack, iv.End-iv.Start)
	}
}

// kind is what a receiver does in a stretch.
func (w *stages) kind(iv *model.GInterval) stageTime {
	switch {
	case iv.State == model.GRunnable:
		return stageRunnable
	case iv.State == model.GSyscall:
		return stageSyscall
	}
	switch iv.Reason {
	case model.ReasonNetwork:
		return stageNetwork
	case model.ReasonSleep:
		return stageSleeps
	case model.ReasonSync:
		return stageLock
	case model.ReasonChanSend:
		return stageSends
	case model.ReasonChanRecv, model.ReasonSelect:
		switch {
		case w.pools.Asks(iv.Stack): // for an answer, which a goroutine of the client's reads
			return stageNetwork
		case iv.Reason == model.ReasonSelect && w.receiving(iv.ByStack):
			return stageSends
		}
		return stageReceives
	}
	return stageBlocked
}

func (s *stage) spend(k stageTime, stack uint32, d model.Time) {
	s.did[k] += int64(d)
	if k != stageReceives && stack != 0 {
		s.where[didAt{k, stack}] += int64(d)
	}
}

// receiver is what is remembered of a goroutine, nil for nothing.
func (w *stages) receiver(g model.GoID) *receiver {
	if r := &w.slots[uint64(g)%stageSlots]; r.g == g && r.stage != nil {
		return r
	}
	return nil
}

// receiving reports whether a stack receives from a channel: whoever it woke had waited to
// send.
func (w *stages) receiving(stack uint32) bool {
	return w.receive.Of(w.names, stack, func(frames []report.Frame) bool {
		return len(frames) > 0 && strings.HasPrefix(frames[0].Func, "runtime.chanrecv")
	})
}

// waited takes in that a goroutine waited to send, until another received.
func (w *stages) waited(iv *model.GInterval) {
	switch {
	case iv.By == model.NoG || iv.Open&model.OpenEnd != 0 || iv.Reason == model.ReasonSelect && !w.receiving(iv.ByStack):
		return
	case iv.Stack == 0:
		w.unknown.n++
		w.unknown.ns += int64(iv.End - iv.Start)
		return
	}
	p, d := w.at(iv), int64(iv.End-iv.Start)
	p.waits.Add(d)
	if p.waits.N() == 1 || d > int64(p.longest.end-p.longest.start) {
		p.longest = queued{iv.Start, iv.End, iv.G, iv.By, iv.Func, iv.ByStack}
	}
	w.received(p, iv)
}

// at is the place of a wait.
func (w *stages) at(iv *model.GInterval) *sendPlace {
	if int(iv.Stack) >= len(w.sends) {
		w.sends = slices.Grow(w.sends, int(iv.Stack)+1-len(w.sends))[:iv.Stack+1]
	}
	if w.sends[iv.Stack] == nil {
		w.sends[iv.Stack] = &sendPlace{stack: iv.Stack, fn: w.names.Start[iv.Stack]}
	}
	return w.sends[iv.Stack]
}

// received takes in who received: one of the function that its stack begins with.
func (w *stages) received(p *sendPlace, iv *model.GInterval) {
	if w.slots == nil {
		w.slots = make([]receiver, stageSlots)
	}
	r := w.receiver(iv.By)
	if r == nil {
		r = &w.slots[uint64(iv.By)%stageSlots]
		*r = receiver{g: iv.By, stage: w.stageOf(iv.ByStack)}
	} else if !r.again {
		r.again = true
		r.stage.members++
	}
	r.stage.turns++
	for i := range p.by {
		if p.by[i].stage == r.stage {
			p.by[i].ns += int64(iv.End - iv.Start)
			return
		}
	}
	p.by = append(p.by, receivedBy{r.stage, int64(iv.End - iv.Start)})
}

// stageOf is the stage of the function that a stack begins with.
func (w *stages) stageOf(stack uint32) *stage {
	fn := w.names.Start[stack]
	for _, s := range w.stages {
		if s.fn == fn {
			return s
		}
	}
	s := &stage{fn: fn, stack: stack, where: map[didAt]int64{}}
	w.stages = append(w.stages, s)
	return s
}

// joined are the places, those of one line and one kind of goroutine as one.
func (w *stages) joined(places *names.Places) (out []*sendPlace) {
	type key struct {
		at report.Frame
		fn uint32
	}
	seen := map[key]*sendPlace{}
	for _, p := range w.sends {
		if p == nil {
			continue
		}
		at := places.Of(p.stack)
		if at == nil {
			continue
		}
		k := key{at.At, p.fn}
		if seen[k] == nil {
			seen[k] = &sendPlace{stack: p.stack, fn: p.fn, longest: p.longest}
			out = append(out, seen[k])
		}
		seen[k].add(p)
	}
	return out
}

// add takes in the waits of another place.
func (p *sendPlace) add(o *sendPlace) {
	p.waits.Merge(&o.waits)
	if o.longest.end-o.longest.start > p.longest.end-p.longest.start {
		p.longest = o.longest
	}
	p.by = append(p.by, o.by...)
}

// receivedBy is the stage that made senders wait for longest, nil where nobody received
// again and again.
func (p *sendPlace) receivedBy() *stage {
	sums := map[*stage]int64{}
	var most *stage
	for _, b := range p.by { // in the order in which they came
		if sums[b.stage] += b.ns; most == nil || sums[b.stage] > sums[most] {
			most = b.stage
		}
	}
	if most == nil || most.members == 0 || most.turns < pipeTurns*most.members {
		return nil
	}
	return most
}

// total is the time of all its goroutines.
func (s *stage) total() (ns int64) {
	for _, d := range s.did {
		ns += d
	}
	return ns
}

// busy reports whether they were there for most of span ns of trace, and hardly waited for more.
func (s *stage) busy(span int64) bool {
	return s.total()*2 >= span && s.did[stageReceives]*5 <= s.total()
}

// kinds are what they did, most first.
func (s *stage) kinds() (out []stageTime) {
	for k, ns := range s.did {
		if ns > 0 {
			out = append(out, stageTime(k))
		}
	}
	slices.SortStableFunc(out, func(a, b stageTime) int { return cmp.Compare(s.did[b], s.did[a]) })
	return out
}

// mostly is what they did for longest but to receive, and where.
func (s *stage) mostly(places *names.Places) (most stageTime, at *names.Place) {
	for k := range stageReceives {
		if s.did[k] > s.did[most] {
			most = k
		}
	}
	fns, lines := map[string]int64{}, map[report.Frame]int64{}
	var in []*names.Place
	for _, x := range slices.SortedFunc(maps.Keys(s.where), func(a, b didAt) int { return cmp.Compare(a.stack, b.stack) }) {
		if p := places.Of(x.stack); p != nil && x.kind == most {
			in = append(in, p)
			fns[p.At.Func] += s.where[x]
			lines[p.At] += s.where[x]
		}
	}
	for _, p := range in {
		if at == nil || cmp.Or(cmp.Compare(fns[p.At.Func], fns[at.At.Func]), cmp.Compare(lines[p.At], lines[at.At])) > 0 {
			at = p
		}
	}
	return most, at
}

// call is what is known of the system calls that most of its time in such went to, nil for
// nothing.
func (s *stage) call(n *names.Table) *names.Call {
	by := map[*names.Call]int64{}
	for x, ns := range s.where {
		if x.kind == stageSyscall {
			by[names.CallOf(n.Stacks[x.stack])] += ns
		}
	}
	return mostCalled(by)
}
