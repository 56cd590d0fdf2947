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
// and a hundredth of the trace. 10 ms is what a rotating disk takes at worst for
// one access when it has nothing else to do.
//
// False positives: writing to a pipe or terminal that nobody reads looks the same;
// the thread may have been kept from its CPU after the call.
//
// Always decided: a call without a stack counts as none on a file.
var checkDisk = check{id: "disk", title: "Slow system calls on files", begin: func(s *replay.Session) judge {
	return (&diskJudge{bench: bench{s}, disk: replay.Shared(s, newDisk)}).judge
}}

type diskJudge struct {
	bench
	disk *disk
}

func (r *diskJudge) judge(rep *report.Report) judgement {
	d := r.disk
	j := judgement{measured: fmt.Sprintf("longest call on a file %s; %s of %s and more", words.Length(d.all.Max()), words.Plural(d.slow, "call"), words.Length(slowCall))}
	if d.slowNS < 50_000_000 {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityInfo,
		Title:    fmt.Sprintf("System calls on files took up to %s", words.Length(d.all.Max())),
		CostNS:   d.slowNS,
		CostOf:   "goroutine time in calls on files of " + words.Length(slowCall) + " and more",
		What:     fmt.Sprintf("%s of %s and more lasted %s in all; half of all %s took less than %s.", words.Plural(d.slow, "call"), words.Length(slowCall), words.Length(d.slowNS), words.Plural(d.all.N(), "call"), words.Length(d.all.Quantile(.5))),
		Why:      "The goroutine, and whoever waits for it or for a lock that it holds, can't go on until the call returns. The scheduler is not to blame.",
		Advice:   "Look at the disk and the file system (latency, fsync, quota of the container's volume). Take slow calls out of locks, batch them, or sync less often.",
		Sure:     "high", SureWhy: "the beginning and the end of each call are in the trace; which call it was is taken from the functions around it",
	}
	if d.slowNS >= 100_000_000 && d.slowNS*100 >= report.Analysed(rep) {
		f.Severity = report.SeverityWarning
	}
	for _, p := range d.worstPlaces() {
		f.Evidence = append(f.Evidence, report.Evidence{Label: p.name, Value: fmt.Sprintf("%s, %s in all", words.Plural(p.n, "call"), words.Length(p.ns))})
	}
	for _, c := range d.worst.Best() {
		f.Moments = append(f.Moments, r.moment(c.start, c.end, c.g, model.NoP, model.NoM, fmt.Sprintf("a call of %s took %s", words.Goroutine(int64(c.g), r.Names.StartFunc(c.fn)), words.Length(int64(c.end-c.start)))))
	}
	f.Stacks = r.stack(fmt.Sprintf("the longest, by G%d", d.worst.Best()[0].g), d.worst.Best()[0].stack)
	j.findings = []report.Finding{f}
	return j
}

// slowCall is the length from which a call on a file counts as slow.
const slowCall = 10_000_000 // ns

// disk answers: how long did system calls on files take?
type disk struct {
	names  *names.Table
	files  []int8 // by stack: 1 a call on a file, -1 not, 0 not known yet
	all    stat.Sketch
	slow   int64
	slowNS int64
	places map[uint32]*callPlace // by stack
	worst  *stat.TopK[slowFileCall]
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

func newDisk(s *replay.Session) *disk {
	return &disk{names: s.Names, places: map[uint32]*callPlace{}, worst: stat.NewTopK[slowFileCall](report.MaxMoments)}
}

func (d *disk) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GSyscall || iv.Open == model.OpenStart|model.OpenEnd || !d.onFile(iv.Stack) {
			continue
		}
		ns := int64(iv.End - iv.Start)
		d.all.Add(ns)
		if ns < slowCall {
			continue
		}
		d.slow++
		d.slowNS += ns
		p := d.places[iv.Stack]
		if p == nil {
			p = &callPlace{}
			d.places[iv.Stack] = p
		}
		p.n++
		p.ns += ns
		d.worst.Offer(ns, slowFileCall{iv.Start, iv.End, iv.G, iv.Func, iv.Stack})
	}
}

// fileCalls are the ends of the names of functions that call the system about
// files, whatever they are called with.
var fileCalls = []string{".Fsync", ".fsync", ".Fdatasync", ".Pwrite", ".pwrite", ".Pread", ".pread", ").Sync", ".Ftruncate", ".Rename", ".Renameat",
	".Unlink", ".Unlinkat", ".Open", ".Openat", ".openat", ".Stat", ".Lstat", ".Fstat", ".fstatat", ".Mkdir", ".Mkdirat", ".ReadDirent", ".Getdents", "os.(*File).Write",
	"os.(*File).WriteAt", "os.(*File).ReadAt", "os.ReadFile"}

// onFile reports whether a stack is in a call about files.
func (d *disk) onFile(stack uint32) bool {
	for int(stack) >= len(d.files) {
		d.files = append(d.files, 0)
	}
	if d.files[stack] == 0 {
		d.files[stack] = -1
		if slices.ContainsFunc(d.names.Stacks[stack], func(f report.Frame) bool { return isFileCall(f.Func) }) {
			d.files[stack] = 1
		}
	}
	return d.files[stack] > 0
}

func isFileCall(fn string) bool {
	if !names.HasPrefix(fn, []string{"os.", "syscall.", "internal/poll.", "internal/syscall/unix.", "golang.org/x/sys/unix."}) {
		return false
	}
	return slices.ContainsFunc(fileCalls, func(end string) bool { return strings.HasSuffix(fn, end) })
}

// maxPlaces is how many places of slow calls a finding names.
const maxPlaces = 5

// worstPlaces are the places with the most time.
func (d *disk) worstPlaces() []callPlace {
	by := map[string]*callPlace{}
	for stack, p := range d.places {
		name := "unknown place"
		if f := names.PlaceOf(d.names.Stacks[stack]); f != nil {
			name = fmt.Sprintf("%s (%s:%d)", words.Function(f.Func), names.FileName(f.File), f.Line)
		}
		if by[name] == nil {
			by[name] = &callPlace{name: name}
		}
		by[name].n += p.n
		by[name].ns += p.ns
	}
	var out []callPlace
	for _, p := range by {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b callPlace) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.name, b.name)) })
	return out[:min(len(out), maxPlaces)]
}
