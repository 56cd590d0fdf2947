package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkDisk measures system calls on files that took long. What call it was a
// trace does not say, only where it was made: calls below a function of package os
// or syscall that is about files count, others, which may wait for input, a child
// process or a timer, do not.
//
// Threshold: calls of 10 ms and more, 50 ms in all; a warning from 100 ms in all
// and a hundredth of the trace, but where there are requests or tasks and none of them was
// slow: then nobody waited for those calls. 10 ms is what a rotating disk takes at worst for
// one access when it has nothing else to do.
//
// False positives: writing to a pipe or terminal that nobody reads looks the same;
// the thread may have been kept from its CPU after the call.
//
// Always decided: a call without a stack counts as none on a file.
var checkDisk = Check{ID: "disk", Costs: costsCalls, Title: "Slow system calls on files", Begin: func(s *replay.Session) Judge {
	return (&diskJudge{bench: bench{s}, disk: replay.Shared(s, newDisk)}).decide
}}

const (
	slowCall    = 10_000_000  // ns from which a call on a file counts as slow
	slowSome    = 50_000_000  // ns in slow calls: worth a finding
	slowWarning = 100_000_000 // ns in slow calls, and a hundredth of the trace
	maxPlaces   = 5           // places of slow calls that a finding names
)

type diskJudge struct {
	bench
	disk *disk
}

func (r *diskJudge) decide(rep *report.Report) Judgement {
	d := r.disk
	j := Judgement{Measured: d.measured()}
	if d.slowNS < slowSome {
		return j
	}
	f := r.describe()
	slow := slownessOf(rep)
	if d.slowNS >= slowWarning && d.slowNS*100 >= report.Analysed(rep) && (slow == nil || slow.matters()) {
		f.Severity = report.SeverityWarning
	}
	j.Findings = []report.Finding{f}
	return j
}

func (r *diskJudge) describe() report.Finding {
	d := r.disk
	worst, most := d.worst.Best()[0], d.worstPlaces()[0]
	title := "System calls on files took up to " + words.Length(d.calls.Max())
	if most.ns*2 >= d.slowNS {
		title += ", most of them in " + most.name
	}
	return report.Finding{
		Severity: report.SeverityInfo,
		Title:    title,
		CostNS:   d.slowNS,
		CostOf:   "goroutine time in calls on files of " + words.Length(slowCall) + " and more",
		What: fmt.Sprintf("%s of %s and more lasted %s in all; half of all %s took less than %s.",
			words.Plural(d.slow, "call"), words.Length(slowCall), words.Length(d.slowNS), words.Plural(d.calls.N(), "call")+d.ofKnownLength(), words.Length(d.calls.Quantile(.5))),
		Why:    "The goroutine, and whoever waits for it or for a lock that it holds, can't go on until the call returns. The scheduler is not to blame.",
		Advice: d.advice(),
		Sure:   "high", SureWhy: "the beginning and the end of each call are in the trace; which call it was is taken from the functions around it",
		Evidence: r.evidence(),
		Moments:  r.scenes(),
		Stacks:   r.stack(fmt.Sprintf("the longest, by G%d", worst.g), worst.stack),
	}
}

// advice is what to do. A pipe is full when nobody reads it, and no disk helps; which of them
// is written to does not show, while what syncs, opens or looks up is no pipe.
func (d *disk) advice() string {
	const disk = "Look at the disk and the file system (latency, fsync, quota of the container's volume). Take slow calls out of locks, batch them, or sync less often."
	var writes int64
	for stack, p := range d.places {
		if slices.ContainsFunc(d.names.Stacks[stack], func(f report.Frame) bool { return f.Func == "os.(*File).Write" }) {
			writes += p.ns
		}
	}
	if 2*writes < d.slowNS {
		return disk
	}
	return "If what is written to is a pipe or terminal (standard output, collected logs), see why who reads it is slow, or write less there. Else: " + disk
}

// evidence is where the slow calls were made.
func (r *diskJudge) evidence() []report.Evidence {
	var out []report.Evidence
	for _, p := range r.disk.worstPlaces() {
		out = append(out, report.Evidence{Label: p.name, Value: fmt.Sprintf("%s, %s in all", words.Plural(p.n, "call"), words.Length(p.ns))})
	}
	return out
}

// scenes are the longest calls.
func (r *diskJudge) scenes() []report.Moment {
	var out []report.Moment
	for _, c := range r.disk.worst.Best() {
		out = append(out, r.scene(c.start, c.end, c.g, model.NoP, model.NoM,
			fmt.Sprintf("a call of %s took %s", words.Goroutine(int64(c.g), r.runs(c.fn)), words.Length(int64(c.end-c.start)))))
	}
	return out
}

// disk answers: how long did system calls on files take?
type disk struct {
	names   *names.Table
	stands  *replay.Stood
	files   names.Flags // of stacks: a call on a file
	calls   stat.Sketch
	unended int64 // calls beside those, of which the trace does not tell how long they took
	slow    int64
	slowNS  int64
	places  map[uint32]*callPlace // by stack
	worst   *stat.TopK[slowFileCall]
}

// slowFileCall is one slow call.
type slowFileCall struct {
	start, end model.Time
	g          model.GoID
	fn, stack  uint32
}

// callPlace is the slow calls made in one place.
type callPlace struct {
	name string
	n    int64
	ns   int64
}

func (p *callPlace) add(n, ns int64) {
	p.n += n
	p.ns += ns
}

func newDisk(s *replay.Session) *disk {
	return &disk{names: s.Names, stands: replay.Shared(s, replay.NewStood), places: map[uint32]*callPlace{}, worst: stat.NewTopK[slowFileCall](report.MaxMoments)}
}

// measured is what the check says it has seen.
func (d *disk) measured() string {
	s := fmt.Sprintf("longest call on a file %s; %s of %s and more", words.Length(d.calls.Max()), words.Plural(d.slow, "call"), words.Length(slowCall))
	if d.unended > 0 {
		s += fmt.Sprintf("; of %s more the trace does not tell the end", words.Count(d.unended))
	}
	return s
}

// ofKnownLength says that there were others.
func (d *disk) ofKnownLength() string {
	if d.unended == 0 {
		return ""
	}
	return fmt.Sprintf(" of which the trace tells the end, as it does not of %s more,", words.Count(d.unended))
}

func (d *disk) Watch(f *model.Facts) {
	for _, i := range d.stands.At {
		iv := &f.Gs[i]
		if iv.State == model.GSyscall && iv.Open != model.OpenStart|model.OpenEnd && d.onFile(iv.Stack) {
			d.called(iv)
		}
	}
}

// called counts a call on a file.
func (d *disk) called(iv *model.GInterval) {
	if iv.Unended {
		d.unended++
		return
	}
	ns := int64(iv.End - iv.Start)
	d.calls.Add(ns)
	if ns < slowCall {
		return
	}
	d.slow++
	d.slowNS += ns
	if d.places[iv.Stack] == nil {
		d.places[iv.Stack] = &callPlace{}
	}
	d.places[iv.Stack].add(1, ns)
	d.worst.Offer(ns, slowFileCall{iv.Start, iv.End, iv.G, iv.Func, iv.Stack})
}

// fileCalls are the ends of the names of functions that call the system about
// files, whatever they are called with.
var fileCalls = []string{".Fsync", ".fsync", ".Fdatasync", ".Pwrite", ".pwrite", ".Pread", ".pread", ").Sync", ".Ftruncate", ".Rename", ".Renameat",
	".Unlink", ".Unlinkat", ".Open", ".Openat", ".openat", ".Stat", ".Lstat", ".Fstat", ".fstatat", ".Mkdir", ".Mkdirat", ".ReadDirent", ".Getdents", "os.(*File).Write",
	"os.(*File).WriteAt", "os.(*File).ReadAt", "os.ReadFile"}

// onFile reports whether a stack is in a call about files.
func (d *disk) onFile(stack uint32) bool {
	return d.files.Of(d.names, stack, func(frames []report.Frame) bool {
		return slices.ContainsFunc(frames, func(f report.Frame) bool { return isFileCall(f.Func) })
	})
}

func isFileCall(fn string) bool {
	if !names.HasPrefix(fn, []string{"os.", "syscall.", "internal/poll.", "internal/syscall/unix.", "golang.org/x/sys/unix."}) {
		return false
	}
	return slices.ContainsFunc(fileCalls, func(end string) bool { return strings.HasSuffix(fn, end) })
}

// worstPlaces are the places with the most time.
func (d *disk) worstPlaces() []callPlace {
	by := map[string]*callPlace{}
	for stack, p := range d.places {
		name := d.placeName(stack)
		if by[name] == nil {
			by[name] = &callPlace{name: name}
		}
		by[name].add(p.n, p.ns)
	}
	var out []callPlace
	for _, p := range by {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b callPlace) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.name, b.name)) })
	return out[:min(len(out), maxPlaces)]
}

// placeName is the function that called, and its line.
func (d *disk) placeName(stack uint32) string {
	f := names.PlaceOf(d.names.Stacks[stack])
	if f == nil {
		return "unknown place"
	}
	return fmt.Sprintf("%s (%s:%d)", words.Function(f.Func), names.FileName(f.File), f.Line)
}
