package compare

import (
	"maps"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// places tell where in the program goroutines wait to go on, and of which functions more
// begin than end: what shows that a program waits where it did not, or loses goroutines,
// also where nothing can be told apart that begins and ends.
type places struct {
	waits map[doing][]float64  // ns by window
	begun map[uint32][]float64 // begun less ended, by the stack that they started with
}

// mostKept are the places of each kind that are kept.
const mostKept = 512

func newPlaces() *places {
	return &places{waits: map[doing][]float64{}, begun: map[uint32][]float64{}}
}

func (p *places) halve() {
	for k, windows := range p.waits {
		p.waits[k] = halved(windows)
	}
	for k, windows := range p.begun {
		p.begun[k] = halved(windows)
	}
}

// place takes in what a goroutine of the program did.
func (b *collector) place(iv *model.GInterval) {
	p := b.places
	if iv.State == model.GWaiting && iv.Stack != 0 && (iv.Reason == model.ReasonSync || iv.Reason == model.ReasonChanSend) {
		k := doing{CauseKind(report.BlockedOn(iv.Reason)), iv.Stack}
		if _, ok := p.waits[k]; ok || len(p.waits) < mostKept {
			b.each(iv.Start, iv.End, func(window int, ns float64) { p.waits[k] = addAt(p.waits[k], window, ns) })
		}
	}
	count := func(at model.Time, n float64) {
		if _, ok := p.begun[iv.Func]; ok || len(p.begun) < mostKept {
			w := b.at(at)
			p.begun[iv.Func] = addAt(p.begun[iv.Func], w, n)
		}
	}
	if iv.First && iv.Open&model.OpenStart == 0 && iv.Func != 0 {
		count(iv.Start, 1)
	}
	if iv.Exit && iv.Func != 0 {
		count(iv.End, -1)
	}
}

// Names of rates by place begin with these.
const (
	waitingFor = "waiting for "
	moreBegun  = "more begun than ended: goroutines of "
)

// rates adds those by place. Of waits there are those for mutexes, and to send: who waits
// to receive, or for a wait group, mostly waits for work or its end, the longer the less
// there is of it.
func (p *places) rates(n *names.Table, out *Behaviour, length int64) {
	counts := map[string][]float64{}
	add := func(name string, windows []float64) { counts[name] = sumOf(counts[name], windows) }
	at := n.Places()
	for k, windows := range p.waits {
		if name := waitName(k, at.Of(k.stack)); name != "" {
			add(name, windows)
		}
	}
	starts := n.Starts()
	for stack, windows := range p.begun {
		if name := starts.Always(n.StartFunc(stack)); name != "" {
			add(moreBegun+words.Function(name), windows)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		unit := UnitWaited
		if strings.HasPrefix(name, moreBegun) {
			unit = "/s"
		}
		if r := out.rate(name, unit, counts[name], length); r.Mean > 0 {
			out.Rates = append(out.Rates, r)
		}
	}
}

// waitName is what is waited for and where, "" of what is no sign of anything.
func waitName(k doing, p *names.Place) string {
	switch {
	case p == nil || !p.Own:
		return ""
	case k.cause == CauseLock && !strings.Contains(p.Callee, "Mutex)"):
		return ""
	case k.cause == CauseLock:
		return waitingFor + lockNamed(p.Callee) + " in " + words.Function(p.At.Func)
	}
	return waitingFor + "a channel to take something, in " + words.Function(p.At.Func)
}

// heldCauses are the parts of instances that a program is held to: where it lets itself
// wait. What the machine, the network and whoever else runs there do to it varies more.
var heldCauses = map[CauseKind]bool{CauseLock: true, CauseChannel: true, CauseSleep: true}

const (
	statCause  = "cause" // a part of the mean instance
	causeLeast = 20e3    // ns of the mean instance
	causeShare = .1      // of the mean instance's time, which a part must have grown by
	causeFloor = .5      // of what it was
	causeDrift = .2      // from run to run, of logarithms
)

// causes compares the parts of a series' mean instance.
func (c *comparison) causes(k key, old, new []*Behaviour) {
	o, n := meanCauses(old, k.kind, k.name), meanCauses(new, k.kind, k.name)
	if o.Instances < fewestValues || n.Instances < fewestValues {
		return
	}
	seen := map[[2]string]bool{}
	for _, part := range slices.Concat(n.Causes, o.Causes) {
		if !heldCauses[part.Kind] || part.Func == "" || seen[part.key()] {
			continue
		}
		seen[part.key()] = true
		c.cause(k, part, max(causeLeast, causeShare*float64(o.mean())), old, new)
	}
}

// cause compares one part. least is by how much it must have grown, ns.
func (c *comparison) cause(k key, part Cause, least float64, old, new []*Behaviour) {
	s := rateScale(least)
	runs := func(side []*Behaviour) (out []run) {
		for _, b := range side {
			if r, ok := b.partOf(k, &part, s, c.draws); ok {
				out = append(out, r)
			}
		}
		return out
	}
	part.NS, part.Windows = 0, nil
	x := Change{Kind: k.kind, Name: k.name, Held: true, Stat: statCause, Cause: &part, Unit: "ns", Floor: causeFloor, P: 1, Q: 1, Bins: []Bin{}}
	if o, n := runs(old), runs(new); enough(o, n) {
		c.judge(x, s, o, n, least, assumed{sd: causeDrift, share: rateDriftShare})
	}
}

// partOf is a part of a trace's mean instance. It is 0 where there is none of it.
func (b *Behaviour) partOf(k key, part *Cause, s scale, draws int) (run, bool) {
	i := slices.IndexFunc(b.Causes, func(c Causes) bool { return c.Kind == k.kind && c.Name == k.name })
	if i < 0 {
		return run{}, false
	}
	all := &b.Causes[i]
	var ns []int64
	for i := range all.Causes {
		if x := &all.Causes[i]; x.key() == part.key() {
			if ns = x.Windows; ns == nil {
				return run{}, false // there were too many to know
			}
		}
	}
	blocks := ratiosOf(ns, all.Ended)
	within, drift := varyRatio(blocks, s.to, draws)
	return seenRun(s.to(ratio(blocks)), within, drift, len(blocks)), true
}

// share is a block of time's part of what there is a number of.
type share struct{ part, of float64 }

// ratiosOf joins windows to as many blocks as are drawn from.
func ratiosOf(part, of []int64) (out []share) {
	join := max(1, (len(of)+maxBlocks-1)/maxBlocks)
	for w := range of {
		if w%join == 0 {
			out = append(out, share{})
		}
		x := &out[len(out)-1]
		x.of += float64(of[w])
		if w < len(part) {
			x.part += float64(part[w])
		}
	}
	return slices.DeleteFunc(out, func(x share) bool { return x.of == 0 })
}

func ratio(blocks []share) float64 {
	var all share
	for _, x := range blocks {
		all.part += x.part
		all.of += x.of
	}
	return all.part / max(1, all.of)
}

// varyRatio is vary of a mean, by blocks.
func varyRatio(blocks []share, scale func(float64) float64, draws int) (within, drift float64) {
	if len(blocks) == 0 {
		return 0, 0
	}
	var numbers []float64
	for _, x := range blocks {
		numbers = append(numbers, x.part, x.of)
	}
	r := generatorOf(numbers)
	var values, quarters []float64
	drawn := make([]share, len(blocks))
	for range draws {
		for i := range drawn {
			drawn[i] = blocks[r.IntN(len(blocks))]
		}
		values = append(values, scale(ratio(drawn)))
	}
	for q := 0; q < 4 && len(blocks) >= 4; q++ {
		quarters = append(quarters, scale(ratio(blocks[q*len(blocks)/4:(q+1)*len(blocks)/4])))
	}
	return variance(values), variance(quarters)
}

// heldRate is what a rate must have grown by and to, so that a check fails. What comes
// at regular distances varies less than drawing blocks of time tells: no more than the
// quarters of a trace do, and these differ by who gets the odd one.
type heldRate struct {
	floor, least, drift float64
	regular             bool
}

// Rates that a program is held to: the collector's work, which settings and allocation make;
// goroutines that are left behind; and how long goroutines stand at a place.
var (
	heldCollections = heldRate{floor: .5, least: 2, drift: .15, regular: true}
	heldGC          = heldRate{floor: 1, least: .02e9, drift: .22, regular: true}
	heldBegun       = heldRate{floor: 1, least: 10, drift: rateDrift}
	heldWait        = heldRate{floor: 1, least: .02e9, drift: .22}
)

func heldRateNamed(name string) (heldRate, bool) {
	switch {
	case name == rateNames[rateCollections][0]:
		return heldCollections, true
	case name == rateNames[rateGCWorker][0]:
		return heldGC, true
	case strings.HasPrefix(name, moreBegun):
		return heldBegun, true
	case strings.HasPrefix(name, waitingFor) && strings.Contains(name, " in "):
		return heldWait, true
	}
	return heldRate{}, false
}
