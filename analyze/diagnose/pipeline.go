package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkPipeline measures who makes whom wait in pipelines: goroutines that stand at a send
// on a channel for most of their time, because those that receive there are busy. What
// those did from one receive to the next says with what. See stages.go.
//
// Threshold: at a place where goroutines send again and again, each four times and all
// eight times or more, they waited for half of their time and for a quarter of the
// trace; those that receive there did so four times each or more, and waited to receive
// for a fifth of their time at most. Of places in a row it is the last: the one whose
// receivers do not wait to send themselves. A warning where a fifth of the Ps' time goes
// unused, as more goroutines that receive would then do more; else information.
//
// False positives: generators, which are to wait until somebody asks for the next. One that
// does nothing but deal out to several who ask for something over the network is information.
// Where the goroutine of main receives, it is information: that may be what the program
// is about.
var checkPipeline = Check{ID: "pipeline", Costs: costsQueues, Title: "Pipelines with a slow stage", Fails: report.SeverityCritical, Begin: func(s *replay.Session) Judge {
	return (&pipelineJudge{bench: bench{s}, stages: replay.Shared(s, newStages)}).decide
}}

const (
	pipeWaits  = 8   // waits at a place, and those without a stack that leave it undecided
	pipeTurns  = 4   // sends of each sender, receives of each receiver, on average
	pipeUnused = .20 // share of the Ps' time that is not used, from which it is a warning
	pipeDeals  = .90 // share of the senders' time from which they do nothing but send
	pipeTold   = 3   // places at most
)

type pipelineJudge struct {
	bench
	stages *stages
	places *names.Places
	span   int64
	lives  map[string]lives
}

// lives are the goroutines of a function, and the ns that they were there.
type lives struct{ n, ns int64 }

// backlog is a place where goroutines stand, and who makes them wait.
type backlog struct {
	*sendPlace
	at    *names.Place
	stage *stage
	most  stageTime    // what that did for longest
	doing *names.Place // where, nil where it does not show
	share float64      // of the senders' time that they waited there
	on    []*backlog   // that wait behind it
}

func (r *pipelineJudge) decide(rep *report.Report) Judgement {
	r.places, r.span, r.lives = r.Names.Places(), report.Analysed(rep), map[string]lives{}
	for i := range rep.Functions {
		f := &rep.Functions[i]
		l := r.lives[f.Name]
		r.lives[f.Name] = lives{l.n + f.Goroutines, l.ns + f.Total}
	}
	all := r.backlogs()
	last := lastOnes(all)
	j := Judgement{Measured: fmt.Sprintf("%s where goroutines mostly wait to send, as those that receive are busy", words.Plural(len(all), "place"))}
	if n := r.stages.unknown; len(all) == 0 && n.n >= pipeWaits && n.ns*4 >= r.span {
		j.Undecided = fmt.Sprintf("%s to send, %s in all, without a stack that tells where", words.Plural(n.n, "wait"), words.Length(n.ns))
	}
	for _, b := range last[:min(len(last), pipeTold)] {
		j.Findings = append(j.Findings, r.describe(rep, b))
	}
	return j
}

// backlogs are the places where goroutines stand.
func (r *pipelineJudge) backlogs() (out []*backlog) {
	for _, p := range r.stages.joined(r.places) {
		b := &backlog{sendPlace: p, at: r.places.Of(p.stack), stage: p.receivedBy()}
		life := r.lives[r.Names.Funcs[p.fn]]
		b.share = min(1, float64(p.waits.Sum())/float64(max(1, life.ns)))
		if p.waits.N() < max(pipeWaits, pipeTurns*life.n) || b.share < .5 || p.waits.Sum()*4 < r.span || b.stage == nil || !b.stage.busy(r.span) || b.stage.fn == p.fn {
			continue
		}
		b.most, b.doing = b.stage.mostly(r.places)
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *backlog) int {
		return cmp.Or(cmp.Compare(b.waits.Sum(), a.waits.Sum()), cmp.Compare(a.stack, b.stack))
	})
	return out
}

// lastOnes are those whose receivers do not wait to send themselves. They get those that do.
func lastOnes(all []*backlog) (out []*backlog) {
	for _, b := range all {
		if b.most != stageSends {
			out = append(out, b)
		}
	}
	for _, b := range all {
		if b.most != stageSends || b.doing == nil {
			continue
		}
		for _, x := range out {
			if b.doing.At == x.at.At {
				x.on = append(x.on, b)
			}
		}
	}
	return out
}

// describe tells of a place.
func (r *pipelineJudge) describe(rep *report.Report, b *backlog) report.Finding {
	s := b.stage
	senders, receiver := words.Function(b.at.At.Func), receiverName(&r.bench, r.places, s)
	does := s.does(r.Names, b.most, b.doing)
	f := report.Finding{
		Severity: r.severity(rep, b),
		Title: fmt.Sprintf("%s waits %s of its time to send on a channel (%s:%d); its receiver %s %s",
			senders, words.Share(b.share), names.FileName(b.at.At.File), b.at.At.Line, receiver, does),
		CostNS: b.waits.Sum(),
		CostOf: "goroutine time waiting to send there",
		What: fmt.Sprintf("Goroutines waited to send in %s %s, %s in all, half of the times longer than %s. %s received there, %s in %s, %s for %s of the time, and waited to receive for %s.",
			placeName(&b.at.At), words.Times(b.waits.N()), words.Length(b.waits.Sum()), words.Length(b.waits.Quantile(.5)), receiver, words.Times(s.turns),
			words.Plural(s.members, "goroutine"), r.did(b), words.ShareOf(s.did[b.most], s.total()), words.ShareOf(s.did[stageReceives], s.total())),
		Why:    "What is sent comes faster than it is received, so that everything before stands: a stage of a pipeline can't be quicker than the one behind it. A buffer between them would hold more of what waits, and change nothing else.",
		Advice: r.advice(rep, b, receiver),
		Sure:   "high", SureWhy: "who waited, who received, and what that did from one receive to the next is in the trace; where it ran is where it was last seen running",
		Moments: []report.Moment{r.scene(b.longest.start, b.longest.end, b.longest.g, model.NoP, model.NoM,
			fmt.Sprintf("%s waited %s to send, until G%d received", words.Goroutine(int64(b.longest.g), r.Names.Funcs[b.fn]), words.Length(int64(b.longest.end-b.longest.start)), b.longest.by))},
		Stacks: append(r.stack("where they wait to send", b.stack), r.stack("where it is received", b.longest.stack)...),
	}
	for _, k := range s.kinds() {
		f.Evidence = append(f.Evidence, report.Evidence{Label: "of the receivers' time, " + stageWords[k], Value: words.Length(s.did[k]) + ", " + words.ShareOf(s.did[k], s.total())})
	}
	for _, x := range b.on {
		f.What += fmt.Sprintf(" Behind that, %s waits %s of its time to send.", placeName(&x.at.At), words.Share(x.share))
	}
	return f
}

// did is what the receivers mostly did, without the place.
func (r *pipelineJudge) did(b *backlog) string {
	if b.most == stageSyscall {
		return b.stage.call(r.Names).Did()
	}
	return [...]string{stageRuns: "ran", stageRunnable: "waited for a P", stageNetwork: "waited for the network",
		stageSleeps: "slept", stageLock: "waited for locks", stageBlocked: "was blocked"}[b.most]
}

func (r *pipelineJudge) severity(rep *report.Report, b *backlog) report.Severity {
	switch {
	case b.most == stageRunnable, r.unused(rep) < pipeUnused, r.ofMain(b.stage), b.dealsOut():
		return report.SeverityInfo
	}
	return report.SeverityWarning
}

// dealsOut reports whether who sends does nothing else, and several who receive ask for
// something over the network: how many at once may do so is set by how many they are.
func (b *backlog) dealsOut() bool {
	return b.share >= pipeDeals && b.stage.members > 1 && b.most == stageNetwork
}

// ofMain reports whether the receiver is the goroutine that main runs in.
func (r *pipelineJudge) ofMain(s *stage) bool {
	fn := r.Names.Funcs[s.fn]
	return fn == "runtime.main" || fn == "main.main"
}

// unused is the share of the Ps' time in which they ran nothing.
func (r *pipelineJudge) unused(rep *report.Report) float64 { return 1 - rep.Key.Utilisation }

func (r *pipelineJudge) advice(rep *report.Report, b *backlog, receiver string) string {
	doing := "what it does there"
	if b.doing != nil {
		doing = words.Function(b.doing.At.Func)
	}
	switch {
	case b.most == stageRunnable:
		return "See who has the Ps: " + receiver + " lacks CPU."
	case b.most == stageRuns && r.unused(rep) < pipeUnused:
		return "Make " + doing + " cheaper: the Ps are busy, so that more goroutines would not do more."
	case b.most == stageRuns:
		return fmt.Sprintf("Run %s in more goroutines (%s of the Ps' time was not used), or make %s cheaper.", receiver, words.Share(r.unused(rep)), doing)
	case b.most == stageSyscall:
		if c := b.stage.call(r.Names); c != nil && c.Locks {
			return "More goroutines would wait for that lock as well. " + c.Advice
		}
	}
	return fmt.Sprintf("Run %s in more goroutines, so that several wait at once, or make it wait less in %s.", receiver, doing)
}
