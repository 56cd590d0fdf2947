package compare

import (
	"fmt"
	"math"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// What the machine gave is no behaviour of the program. Where both sides have asked it, a
// loaded machine is told apart from a slower program: how long a mean instance had to do
// without a CPU is taken out of what its time has changed by.

// Machine is what the machine gave while a trace was taken.
type Machine struct {
	Wanted int64          `json:"wanted_ns"` // as in report.Machine
	Lost   report.CPULost `json:"lost"`      // of Wanted: without a CPU
}

// got is which share of the CPU time that Ps wanted they got.
func (m *Machine) got() float64 { return 1 - float64(m.Lost.Total())/float64(max(1, m.Wanted)) }

// machineOf is nil where the machine was not asked.
func machineOf(rep *report.Report) *Machine {
	if m := rep.Machine; m != nil && m.Wanted > 0 {
		return &Machine{Wanted: m.Wanted, Lost: m.Lost}
	}
	return nil
}

// Gave is what the machine gave on both sides.
type Gave struct {
	Old *Machine `json:"old"` // of all traces together; nil where one of them does not tell
	New *Machine `json:"new"`
}

func gaveOn(old, new []*Behaviour) *Gave {
	g := &Gave{Old: allOf(old), New: allOf(new)}
	if g.Old == nil && g.New == nil {
		return nil
	}
	return g
}

func allOf(side []*Behaviour) *Machine {
	sum := &Machine{}
	for _, b := range side {
		if b.Machine == nil || b.Machine.Wanted <= 0 {
			return nil
		}
		sum.Wanted += b.Machine.Wanted
		sum.Lost.Add(b.Machine.Lost)
	}
	return sum
}

// both reports whether both sides tell.
func (g *Gave) both() bool { return g != nil && g.Old != nil && g.New != nil }

// asBefore is by how much what a P got of a CPU may differ for the machine to be as before:
// samples do not tell exactly.
const asBefore = .05

// less is by which share the new side got less, of what it wanted; below 0 if more.
func (g *Gave) less() float64 { return 1 - g.New.got()/max(g.Old.got(), 1e-9) }

// differs reports whether the machine gave more or less.
func (g *Gave) differs() bool { return g.both() && math.Abs(g.New.got()-g.Old.got()) >= asBefore }

// lead is a sentence on what the machine gave, with a space behind it; "" where that is as
// before, or not told. to is what it is more or less to.
func (g *Gave) lead(to string) string {
	if !g.differs() {
		return ""
	}
	share, by, worst := g.less(), "less", g.New
	if share < 0 {
		share, by, worst = -share, "more", g.Old
	}
	return fmt.Sprintf("The machine gave %s %s CPU %s: of the CPU time that Ps wanted they got %s before, %s now (%s). ",
		words.Share(share), by, to, words.Share(g.Old.got()), words.Share(g.New.got()), lostTo[worst.Lost.Most()])
}

// lostTo is what a P's CPU time was lost to. Whether others had it or the program itself is an
// estimate.
var lostTo = [report.NumCPULosses]string{
	report.LossQuota:      "the quota was used up",
	report.LossOthers:     "likely another process had the rest",
	report.LossOwn:        "likely the program's own threads had the rest: more Ps than CPUs",
	report.LossHypervisor: "the hypervisor took the rest",
	report.LossStopped:    "the process was stopped",
	report.LossKernel:     "threads stood in the kernel",
}

// halfAsked says that only one side tells; "" otherwise.
func halfAsked(old, new []*Behaviour) string {
	g := gaveOn(old, new)
	if g == nil || g.both() {
		return ""
	}
	side := "old"
	if g.New == nil {
		side = "new"
	}
	return fmt.Sprintf("the machine was not asked on the %s side: whether it gave as much CPU as on the other does not show (gmptrace record asks it)", side)
}

// NoCPU is for how long the mean instance of a series had to do without a CPU.
type NoCPU struct {
	Old      int64   `json:"old_ns"`
	New      int64   `json:"new_ns"`
	Rest     float64 `json:"rest_effect"` // what the mean has changed by with it taken out, as Change.Effect
	Explains bool    `json:"explains"`    // what the mean has changed by: with it taken out there is no change
}

// explained is the part of a mean's change that doing without a CPU must make up, to be the reason.
const explained = .5

// noCPUOf is nil where one side does not tell.
func noCPUOf(old, new []*Behaviour, k key, floor float64) *NoCPU {
	o, n := meanCauses(old, k.kind, k.name), meanCauses(new, k.kind, k.name)
	if o.Instances == 0 || n.Instances == 0 {
		return nil
	}
	x := &NoCPU{Old: o.NoCPU, New: n.NoCPU}
	was, is := o.mean(), n.mean()
	left := float64(max(1, is-x.New)) / float64(max(1, was-x.Old))
	x.Rest = left - 1
	grown, without := float64(is-was), float64(x.New-x.Old)
	x.Explains = grown != 0 && without/grown >= explained && max(left, 1/left) < 1+floor
	return x
}

// mean is how long the mean instance took.
func (c *Causes) mean() (ns int64) {
	for i := range c.Causes {
		ns += c.Causes[i].NS
	}
	return ns + c.Rest
}

// takeOut says of each series what of it passed without a CPU, and takes back what is
// claimed of those that it explains. What is far beyond all others stays claimed: of
// single ones the mean does not tell.
func (r *Result) takeOut(old, new []*Behaviour, floor float64) {
	if !r.Machine.both() {
		return
	}
	of := map[key]*NoCPU{}
	for i := range r.Changes {
		c := &r.Changes[i]
		k := key{c.Kind, c.Name}
		x, known := of[k]
		if !known {
			x = noCPUOf(old, new, k, floor)
			of[k] = x
		}
		if c.NoCPU = x; x == nil || !x.Explains || !r.Machine.differs() || c.Stat == statFar {
			continue
		}
		if up := x.New > x.Old; up && c.Verdict == Worse || !up && c.Verdict == Better {
			c.Verdict = ByMachine
		}
	}
}

// beside is what the machine has to do with a change that a check tells of.
func (g *Gave) beside(c *Change) string {
	switch {
	case g == nil:
		return ""
	case c.Verdict == ByMachine:
		return fmt.Sprintf(", for want of CPUs: of the mean %s passed without one, and %s in the fixture; with that taken out it has not changed", words.Length(c.NoCPU.New), words.Length(c.NoCPU.Old))
	case !g.both():
		return "; whether the machine gave less CPU was not asked on both sides"
	case !g.differs():
		return ", with the machine as before"
	case g.less() < 0:
		return ", though the machine gave more CPU"
	case c.NoCPU != nil:
		return fmt.Sprintf("; that the machine gave %s less CPU does not explain it: with the time without one taken out (%s in the fixture, %s now) the mean has changed by %s", words.Share(g.less()), words.Length(c.NoCPU.Old), words.Length(c.NoCPU.New), words.Change(c.NoCPU.Rest))
	}
	return fmt.Sprintf(", while the machine gave %s less CPU", words.Share(g.less()))
}

// needed is which CPU a goroutine's time depends on: that of a P, of any P that runs, or
// of one that may.
type needed model.ProcID

const (
	needsNone   needed = -1 - iota
	needsAny           // in a queue, or behind the collector: some P runs something else
	needsMaybe         // until another goroutine does something, which may be computing
	mostCPUUses = 1 << 20
)

// cpuUse is time that took a CPU, before a sample.
type cpuUse struct {
	k     int32
	needs needed
}

// neededBy is what a stretch needs to end.
func neededBy(iv *model.GInterval) needed {
	switch iv.State {
	case model.GRunning:
		return needed(iv.P)
	case model.GRunnable:
		return needsAny
	case model.GWaiting:
		switch kind := report.BlockedOn(iv.Reason); {
		case kind == report.BlockedCollector:
			return needsAny
		case (kind == report.BlockedLock || kind == report.BlockedChannel) && iv.By != model.NoG:
			return needsMaybe
		}
	}
	return needsNone
}

// use notes time that took a CPU. Whether there was one shows when all has been read.
func (a *accounts) use(sums *causeSums, needs needed, from, to model.Time) {
	if needs == needsNone || !a.cpus.SaidBefore(to) {
		return
	}
	if sums.onCPU == nil {
		sums.onCPU = map[cpuUse]int64{}
	}
	a.cpus.Spread(from, to, func(k int32, ns int64) {
		if _, ok := sums.onCPU[cpuUse{k, needs}]; !ok {
			if a.onCPUs == mostCPUUses {
				return // told as if there had been a CPU
			}
			a.onCPUs++
		}
		sums.onCPU[cpuUse{k, needs}] += ns
	})
}

// noCPU is for how long there was none, over all instances.
func (a *accounts) noCPU(s *causeSums) int64 {
	var parts int64 // sums of whole numbers do not depend on the order
	for use, ns := range s.onCPU {
		share := a.cpus.Lacked(model.ProcID(use.needs), use.k)
		if use.needs < 0 {
			any, busy := a.cpus.LackedByAny(use.k)
			if share = any; use.needs == needsMaybe {
				share *= busy
			}
		}
		parts += int64(share * float64(ns))
	}
	return parts
}

// machineAsBefore warns where the machine gave less than for the fixture, before all that
// follows from it. There is no such check where neither side tells.
func machineAsBefore(g *Gave, file string) []report.CheckResult {
	x := report.CheckResult{Kind: "fixture", ID: "fixture/machine", Description: "The machine gives as much CPU as for the fixture", Expected: fmt.Sprintf("of the CPU time that Ps want as much as for the fixture, give or take %.0f points", 100*asBefore),
		File: file, Severity: report.CheckSeverityWarning, Status: report.CheckSkip, Items: 1, Message: "The machine was not asked on both sides: record with gmptrace record."}
	switch {
	case g == nil:
		return []report.CheckResult{}
	case !g.both():
	case g.differs() && g.less() > 0:
		x.Status, x.Message = report.CheckFail, strings.TrimSpace(g.lead("than for the fixture"))
		x.Failures = []report.CheckFailure{{Item: "machine", Key: "machine/less", Message: strings.TrimSuffix(x.Message, ".")}}
	default:
		x.Status, x.Message = report.CheckPass, ""
		x.Measured = []report.Evidence{{Label: "got", Value: fmt.Sprintf("%s in the fixture, %s now", words.Share(g.Old.got()), words.Share(g.New.got()))}}
	}
	return []report.CheckResult{x}
}
