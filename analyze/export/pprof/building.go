package pprof

import (
	"fmt"
	"strings"
	"time"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"

	"github.com/google/pprof/profile"
)

// building makes a profile of sums.
type building struct {
	*maker
	names   *names.Table
	starts  *names.Starts
	profile *profile.Profile
	frames  map[report.Frame]*profile.Location
	funcs   map[function]*profile.Function
	labels  map[string]map[string][]string // by what is the same for the same ones
	samples map[sampled]*profile.Sample
}

type function struct{ name, file string }

// sampled is what one sample of the profile is of.
type sampled struct {
	stack  uint32
	start  string // where there is no stack
	labels string
}

// result is the profile, now that all has been read.
func (m *maker) result(tr report.Trace) (*Result, error) {
	if err := m.noSamples(); err != nil {
		return nil, err
	}
	if m.selecting != nil {
		m.selecting.selection.Choose(m.selecting.classes)
		if len(m.chosen()) == 0 {
			return &Result{Nothing: m.selecting.selection.Nothing(), Trace: tr}, nil
		}
	}
	b := &building{maker: m, names: m.session.Names, starts: m.session.Names.Starts(), profile: &profile.Profile{}, frames: map[report.Frame]*profile.Location{},
		funcs: map[function]*profile.Function{}, labels: map[string]map[string][]string{}, samples: map[sampled]*profile.Sample{}}
	r := &Result{Profile: b.profile, Trace: tr}
	b.describe(&tr)
	for _, k := range m.sums.sorted() {
		if m.selecting != nil && !m.selecting.selection.Chosen(m.selecting.classes[k.class]) {
			continue
		}
		x := m.sums.by[k]
		r.Count += x.n
		r.NS += x.ns
		b.add(k, x)
	}
	b.profile.Comments = b.comments(r)
	return r, b.profile.CheckValid()
}

// noSamples is that there are none of the CPU profiler, if these are asked for; nil where
// there are.
func (m *maker) noSamples() error {
	if m.opt.Type != CPU || m.stretches.samples > 0 {
		return nil
	}
	return &report.InputError{Name: m.opt.Name, Kind: "no-samples", Offset: -1, Text: "has no samples of the CPU profiler",
		Hint: "A trace has them where a CPU profile was taken at the same time: call pprof.StartCPUProfile, or fetch /debug/pprof/profile, while it is recorded. --type running tells from this one how long goroutines ran, by where they stopped."}
}

// chosen are the classes that are selected, by their places.
func (m *maker) chosen() (all []int) {
	for i, c := range m.selecting.classes {
		if m.selecting.selection.Chosen(c) {
			all = append(all, i)
		}
	}
	return all
}

// describe fills in what holds for all samples.
func (b *building) describe(tr *report.Trace) {
	p := b.profile
	count, ns := &profile.ValueType{Type: b.kind.count, Unit: "count"}, &profile.ValueType{Type: b.kind.time, Unit: "nanoseconds"}
	p.SampleType, p.DefaultSampleType = []*profile.ValueType{count, ns}, b.kind.time
	p.PeriodType, p.Period = &profile.ValueType{Type: b.kind.count, Unit: "count"}, 1
	if b.opt.Type == CPU {
		p.PeriodType, p.Period = &profile.ValueType{Type: b.kind.time, Unit: "nanoseconds"}, samplePeriod
	}
	if began, err := time.Parse(time.RFC3339Nano, tr.Start); err == nil {
		p.TimeNanos = began.UnixNano() + tr.From
	}
	p.DurationNanos = tr.To - tr.From
	// Nothing is to be looked up in the program: the trace has all names.
	p.Mapping = []*profile.Mapping{{ID: 1, File: valid(tr.Program), HasFunctions: true, HasFilenames: true, HasLineNumbers: true, HasInlineFrames: true}}
}

// valid is a string of the trace as the format takes it, in which strings are of UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// add adds a sum to the sample that it is a part of.
func (b *building) add(k key, x *sum) {
	labels, id := b.labelsOf(k)
	s := sampled{stack: k.stack, labels: id}
	if len(b.names.Stacks[k.stack]) == 0 {
		s = sampled{start: b.names.StartFunc(k.of), labels: id}
	}
	sample := b.samples[s]
	if sample == nil {
		sample = &profile.Sample{Location: b.locations(k), Value: make([]int64, 2), Label: labels}
		b.samples[s] = sample
		b.profile.Sample = append(b.profile.Sample, sample)
	}
	sample.Value[0] += x.n
	sample.Value[1] += x.ns
}

// noStack stands for a stack that the trace does not have, and for where its goroutine
// started.
const noStack = "(no stack in the trace)"

// locations are a stack, innermost frame first; where there is none, that in which the
// goroutine started.
func (b *building) locations(k key) []*profile.Location {
	frames := stoppedIn(b.names.Stacks[k.stack])
	if len(frames) == 0 && b.names.StartFunc(k.of) != "" {
		of := b.names.Stacks[k.of]
		frames = of[len(of)-1:]
	}
	if len(frames) == 0 {
		frames = []report.Frame{{Func: noStack}}
	}
	out := make([]*profile.Location, len(frames))
	for i, f := range frames {
		out[i] = b.location(f)
	}
	return out
}

// stoppedIn is a stack without what the runtime puts on it to stop a goroutine: the
// goroutine ran what is below that.
func stoppedIn(frames []report.Frame) []report.Frame {
	for i := range frames {
		switch frames[i].Func {
		case "runtime.asyncPreempt", "runtime.asyncPreempt2", "runtime.morestack", "runtime.morestack_noctxt", "runtime.newstack":
		default:
			return frames[i:]
		}
	}
	return frames
}

func (b *building) location(f report.Frame) *profile.Location {
	l := b.frames[f]
	if l != nil {
		return l
	}
	key := function{valid(f.Func), valid(f.File)}
	fn := b.funcs[key]
	if fn == nil {
		fn = &profile.Function{ID: uint64(len(b.funcs) + 1), Name: key.name, SystemName: key.name, Filename: key.file}
		b.funcs[key] = fn
		b.profile.Function = append(b.profile.Function, fn)
	}
	l = &profile.Location{ID: uint64(len(b.frames) + 1), Mapping: b.profile.Mapping[0], Line: []profile.Line{{Function: fn, Line: int64(f.Line)}}}
	b.frames[f] = l
	b.profile.Location = append(b.profile.Location, l)
	return l
}

// notShown and otherNames are labels of what has a handler that does not show, and of what
// is of tasks beyond those that are named.
const (
	notShown   = "(not shown)"
	otherNames = "(other names)"
)

// labelsOf are the labels of a key, and what is the same for the same labels.
func (b *building) labelsOf(k key) (map[string][]string, string) {
	list := b.list(k)
	var id strings.Builder
	labels := make(map[string][]string, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		if list[i+1] == "" {
			continue
		}
		value := valid(list[i+1])
		fmt.Fprintf(&id, "%s=%q ", list[i], value)
		labels[list[i]] = []string{value}
	}
	if known := b.labels[id.String()]; known != nil {
		return known, id.String()
	}
	b.labels[id.String()] = labels
	return labels, id.String()
}

// list are names and values of labels; "" is none.
func (b *building) list(k key) []string {
	start := b.names.StartFunc(k.of)
	list := []string{"func", b.runs(k.of), "task", b.task(k), "handler", b.handler(k)}
	if start != "" && names.IsRuntime(start) {
		list = append(list, "runtime", "true")
	}
	if k.parked {
		list = append(list, "parked", "all-the-while")
	}
	list = append(list, b.causes(k)...)
	if b.selecting != nil {
		name := b.selecting.selection.Name(b.selecting.classes[k.class])
		list = b.within(list, k, name)
	}
	return list
}

// within labels what lies in an instance with that one's name.
func (b *building) within(list []string, k key, name string) []string {
	c := b.selecting.classes[k.class]
	switch label := string(b.selecting.selection.Kind(c)); {
	case label == string(report.KindTask):
		list[3] = name
	case label == string(report.KindRequest) && k.handler == 0:
		return append(list, "sender", name)
	case label != string(report.KindRequest):
		return append(list, label, name)
	}
	return list
}

// runs is what a goroutine runs by a stack, as the report names it: the function that it
// started with, or what that only runs.
func (b *building) runs(stack uint32) string {
	start := b.names.StartFunc(stack)
	if start == "" || !b.starts.Wrapper(start) {
		return start
	}
	if runs := b.starts.Runs(b.names.Stacks[stack]); runs != "" {
		return runs
	}
	return b.starts.Always(start)
}

func (b *building) task(k key) string {
	if k.task == otherTasks {
		return otherNames
	}
	return b.names.Texts[k.task]
}

func (b *building) handler(k key) string {
	if k.handler == 0 {
		return ""
	}
	if name := b.serving.requests.Called(uint32(k.handler - 1)); name != "" {
		return name
	}
	return notShown
}

// causes are the labels that say why.
func (b *building) causes(k key) []string {
	switch {
	case b.opt.Type == CPU || b.opt.Type == Syscall:
		return nil
	case k.state == model.GRunning:
		return []string{"cause", runningCause(k), "stopped", stoppedBy(k.how)}
	case k.state == model.GWaiting && k.how != howUnknown:
		return []string{"cause", string(report.BlockedOn(k.reason)), "reason", k.reason.String()}
	case b.opt.Type == Sched:
		return []string{"cause", howNames[k.how]}
	case k.state == model.GRunnable:
		return []string{"cause", "runnable"}
	case k.state == model.GSyscall:
		return []string{"cause", report.CauseSyscall.String()}
	}
	return nil
}

func runningCause(k key) string {
	switch {
	case k.assist:
		return report.CauseAssist.String()
	case k.worker:
		return report.CauseGCWorker.String()
	}
	return report.CauseRunning.String()
}

func stoppedBy(h how) string {
	if h == howSyscall {
		return "syscall"
	}
	return howNames[h]
}

// comments say what the profile is of, and what it has not.
func (b *building) comments(r *Result) []string {
	tr, k := &r.Trace, b.kind
	version := ""
	if b.opt.Version != "" {
		version = " " + b.opt.Version
	}
	list := []string{fmt.Sprintf("gmptrace%s export --type %s: %s", version, b.opt.Type, k.about)}
	if k.cause != "" {
		list = append(list, "label "+k.cause)
	}
	if tr.From > 0 || tr.To < tr.DurationNS {
		list = append(list, fmt.Sprintf("of the trace from %s to %s", words.Length(tr.From), words.Length(tr.To)))
	}
	list = append(list, b.restricted()...)
	list = append(list, b.missing(tr)...)
	for i := range list {
		list[i] = valid(words.Text(list[i]))
	}
	return list
}

// restricted says to which instances it is.
func (b *building) restricted() []string {
	s := b.selecting
	if s == nil {
		return nil
	}
	var n, total int64
	for _, i := range b.chosen() {
		n += s.instances[i]
		total += s.total[i]
	}
	list := []string{fmt.Sprintf("restricted to %s, of %s in all, on the goroutines that these ended on: what overlaps counts in each, and what others did for them does not", b.instances(n), words.Length(total))}
	if s.forgotten > 0 {
		list = append(list, fmt.Sprintf("of those that went on for very long, %s before %s into the trace were not kept: restrict it to a part with --from and --to", words.Plural(s.forgotten, "stretch"), words.Length(b.session.Offset(s.lost))))
	}
	return list
}

func (b *building) instances(n int64) string {
	s := b.selecting
	kind := s.selection.Kind(s.classes[b.chosen()[0]])
	if kind == report.KindAt {
		return words.Plural(n, "stretch")
	}
	return words.Plural(n, string(kind))
}

// missing says what the profile has not, and what was assumed.
func (b *building) missing(tr *report.Trace) (list []string) {
	if b.stretches.unknown > 0 {
		list = append(list, fmt.Sprintf("%s of goroutine time is in no profile: the trace does not tell the state", words.Length(b.stretches.unknown)))
	}
	if b.sums.pooled > 0 {
		list = append(list, fmt.Sprintf("%s has no labels, or stacks: more than %s were told apart", words.Length(b.sums.pooled), words.Count(maxSums)))
	}
	if b.sums.renamed > 0 {
		list = append(list, fmt.Sprintf("%s is of tasks that are not named: there are more than %s names", words.Length(b.sums.renamed), words.Count(maxTaskNames)))
	}
	if b.stretches.marks.leftOut > 0 {
		list = append(list, fmt.Sprintf("%s have no label: too many were open at once", words.Plural(b.stretches.marks.leftOut, "task")))
	}
	if b.serving.early > 0 {
		list = append(list, fmt.Sprintf("%s of requests that went on for very long have no handler", words.Plural(b.serving.early, "stretch")))
	}
	for _, l := range tr.Lost {
		list = append(list, "lost: "+l.Text)
	}
	for _, n := range tr.Notes {
		list = append(list, "note: "+n)
	}
	return list
}
