package diagnose

import (
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// chains answers: where did goroutines that ready each other run past a queue?
type chains struct {
	procs   []chainsOfP
	n       int64
	longest int64
	waits   stat.Sketch // behind chains
	starved int64       // of them: parts of waits longer than measure.StarvedAfter
	global  int64       // of them: in the global queue
	worst   *stat.TopK[chain]
}

// chain is a row of dispatches from runnext.
type chain struct {
	start, end model.Time
	count      int64
	p          model.ProcID
	a, b       model.GoID // the first two
	aFn, bFn   uint32
	more       bool // there were others
}

type chainsOfP struct {
	now  chain
	past *past // kind 0: in a chain; nil before the first
}

func newChains(*replay.Session) *chains {
	return &chains{worst: stat.NewTopK[chain](report.MaxMoments)}
}

func (c *chains) Watch(f *model.Facts) {
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		for int(d.P) >= len(c.procs) {
			c.procs = append(c.procs, chainsOfP{})
		}
		p := &c.procs[d.P]
		if d.Runtime {
			continue
		}
		if d.Source == model.SourceRunnext {
			if p.now.count > 0 && d.Time-p.now.end > chainStep {
				c.end(p)
			}
			p.now.grow(d)
			continue
		}
		if p.now.count > 0 {
			c.end(p)
		}
		switch on := d.WaitedOn; {
		case d.Time-d.Ready < chainLength:
		case on == model.NoP:
			c.behind(p, d)
		case int(on) < len(c.procs):
			c.behind(&c.procs[on], d)
		}
	}
}

func (x *chain) grow(d *model.Dispatch) {
	if x.count == 0 {
		*x = chain{start: d.Time, p: d.P, a: d.G, b: model.NoG, aFn: d.Func}
	}
	x.end = d.Time
	x.count++
	switch {
	case d.G == x.a || d.G == x.b:
	case x.b == model.NoG:
		x.b, x.bFn = d.G, d.Func
	default:
		x.more = true
	}
}

func (c *chains) end(p *chainsOfP) {
	x := p.now
	p.now.count = 0
	d := int64(x.end - x.start)
	if x.count < chainCount || d < chainLength || x.b == model.NoG {
		return
	}
	c.n++
	c.longest = max(c.longest, d)
	c.worst.Offer(d, x)
	if p.past == nil {
		p.past = &past{grain: pastFine}
	}
	p.past.add(p.past.last, x.start, 1)
	p.past.add(x.start, x.end, 0)
}

// behind adds the part of a wait that passed behind chains of the P that it was
// for.
func (c *chains) behind(p *chainsOfP, d *model.Dispatch) {
	var ns int64
	if p.past != nil {
		in, _ := p.past.between(d.Ready, d.Time)
		ns = in[0]
	}
	if x := &p.now; x.count >= chainCount && x.end-x.start >= chainLength && x.b != model.NoG {
		ns += max(0, int64(min(x.end, d.Time)-max(x.start, d.Ready)))
	}
	if ns == 0 {
		return
	}
	c.waits.Add(ns)
	if d.Time-d.Ready > measure.StarvedAfter {
		c.starved += ns
	}
	if d.WaitedOn == model.NoP {
		c.global += ns
	}
}
