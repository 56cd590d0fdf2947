package diagnose

import (
	"fmt"
	"iter"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

const (
	lateFrom    = 5_000_000 // ns longer than usual: half a time slice
	lateSome    = 3         // late waits: a single disturbance delays all that were due in it
	waitsEnough = 20        // at a place that is judged
	waitsSome   = 8         // before that, what is usual is not believed
)

// lateWait is a wait that went on when it was due to end.
type lateWait struct {
	due, woken model.Time
	usual      int64 // ns: how long such a wait takes
	g          model.GoID
	fn, stack  uint32
}

// lateIf is a wait, which should have taken usual.
func lateIf(iv *model.GInterval, usual int64) lateWait {
	return lateWait{iv.Start + model.Time(usual), iv.End, usual, iv.G, iv.Func, iv.Stack}
}

// late is by how much it was late, in ns.
func (x *lateWait) late() int64 { return int64(x.woken - x.due) }

// waitPlace is a place where goroutines wait, again and again, for something that comes
// from outside: a timer, the network.
type waitPlace struct {
	waits  stat.Sketch
	longer int64       // waits that were lateFrom longer than usual
	delays stat.Sketch // of them, those while all Ps were busy: by how much
	busy   split       // what the Ps did in that time, the average of all
	worst  *stat.TopK[lateWait]
}

func newWaitPlace() waitPlace { return waitPlace{worst: stat.NewTopK[lateWait](report.MaxMoments)} }

// delay adds a wait that was late because the Ps were busy with that.
func (p *waitPlace) delay(x lateWait, busy *split) {
	p.delays.Add(x.late())
	p.busy.add(busy)
	p.worst.Offer(x.late(), x)
}

// regular reports whether goroutines waited there often, and seldom for longer than
// usual unless all Ps were busy.
func (p *waitPlace) regular() bool {
	return p.waits.N() >= waitsEnough && (p.longer-p.delays.N())*10 <= p.waits.N()
}

// sumBusy is what the Ps did while waits at these places were late.
func sumBusy(places iter.Seq[*waitPlace]) (s split) {
	for p := range places {
		s.add(&p.busy)
	}
	return s
}

// lateDuring is how much of the delays at these places passed within s, as far as the
// worst tell.
func lateDuring(s stretches, places iter.Seq[*waitPlace]) (ns int64) {
	for p := range places {
		var waits stretches
		for _, x := range p.worst.Best() {
			waits = append(waits, [2]model.Time{x.due, x.woken})
		}
		ns += int64(s.share(waits) * float64(p.delays.Sum()))
	}
	return ns
}

// lateSum is what is known of several places together.
type lateSum struct {
	places int64
	waits  int64
	delays stat.Sketch // by how much they were late
	worst  *stat.TopK[lateWait]
}

// sumLate sums places up.
func sumLate(places iter.Seq[*waitPlace]) lateSum {
	s := lateSum{worst: stat.NewTopK[lateWait](report.MaxMoments)}
	for p := range places {
		s.places++
		s.waits += p.waits.N()
		s.delays.Merge(&p.delays)
		for _, x := range p.worst.Best() {
			s.worst.Offer(x.late(), x)
		}
	}
	return s
}

// severity is a warning at most: what was asked for is inferred.
func (s *lateSum) severity() report.Severity {
	if s.delays.Max() >= measure.StarvedAfter && s.delays.N() >= lateSome && s.delays.N()*100 >= s.waits {
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

func (s *lateSum) evidence() []report.Evidence {
	return []report.Evidence{
		{Label: "late waits", Value: words.Count(s.delays.N())},
		{Label: "late by, median", Value: words.Length(s.delays.Quantile(.5))},
		{Label: "late by, longest", Value: words.Length(s.delays.Max())},
	}
}

// scenes are the worst of them, which were waits for what.
func (s *lateSum) scenes(r bench, what string) []report.Moment {
	var out []report.Moment
	for _, x := range s.worst.Best() {
		out = append(out, r.scene(x.due, x.woken, x.g, model.NoP, model.NoM, fmt.Sprintf("%s waited for %s for %s, %s longer than that place mostly does",
			words.Goroutine(int64(x.g), r.runs(x.fn)), what, words.Length(x.usual+x.late()), words.Length(x.late()))))
	}
	return out
}

// stack is where the worst was.
func (s *lateSum) stack(r bench) []report.Stack {
	for _, x := range s.worst.Best() {
		return r.stack(fmt.Sprintf("where G%d waited", x.g), x.stack)
	}
	return nil
}

// stretches are lengths of time, from and to.
type stretches [][2]model.Time

// share is which part of these times, in [0, 1], lies within s.
func (s stretches) share(of stretches) float64 {
	var in, all model.Time
	for _, x := range of {
		all += x[1] - x[0]
		var most model.Time // Ps that lose their CPU at once count once
		for _, y := range s {
			most = max(most, min(x[1], y[1])-max(x[0], y[0]))
		}
		in += most
	}
	return float64(in) / float64(max(all, 1))
}

// starvedDuring is how much of long waits, which took this long in all, passed within s,
// as far as the worst tell.
func (b bench) starvedDuring(rep *report.Report, s stretches, all int64) int64 {
	var waits stretches
	for i := range rep.Episodes {
		if e := &rep.Episodes[i]; e.Wait > measure.StarvedAfter {
			from := b.Zero + model.Time(e.Start)
			waits = append(waits, [2]model.Time{from, from + model.Time(e.Wait)})
		}
	}
	return int64(s.share(waits) * float64(all))
}
