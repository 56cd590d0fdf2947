package diagnose

import (
	"math/rand/v2"
	"testing"

	"gmptrace/model"
)

// TestNeverIdle: where a P is taken for one that was never idle since a time, a closer look
// finds no time either that counts as idle, whatever lay in between.
func TestNeverIdle(t *testing.T) {
	const procs = 4
	rnd := rand.New(rand.NewPCG(1, 2))
	clear, idle := 0, 0
	for range 200 {
		b := newBlame(nil)
		at := [procs]model.Time{}
		for range 400 {
			p := rnd.IntN(procs)
			iv := model.PInterval{P: model.ProcID(p), Start: at[p], End: at[p] + model.Time(1+rnd.IntN(1<<rnd.IntN(21))), Does: model.PDoesRun}
			switch rnd.IntN(40) {
			case 0:
				iv.Does = model.PDoesIdle
			case 1:
				iv.Does = model.PDoesSched
			}
			b.ended(&iv)
			if at[p] = iv.End; rnd.IntN(4) > 0 {
				b.dispatch(&model.Dispatch{P: iv.P, Time: iv.End, Ready: iv.End})
			}
			start := at[p] - model.Time(rnd.IntN(8_000_000))
			end := at[p] + model.Time(rnd.IntN(100_000))
			for id, past := range b.procs {
				if past == nil {
					continue
				}
				s := b.split(model.ProcID(id), start, end)
				switch was := s[pDidNone] + s[pDidStop]; {
				case was > 0:
					idle++
					if past.neverIdle(start) {
						t.Fatalf("P%d was idle for %d ns from %d to %d, and is taken for one that never was", id, was, start, end)
					}
				case past.neverIdle(start):
					clear++
				}
			}
		}
	}
	if clear == 0 || idle == 0 {
		t.Errorf("%d times clearly never idle, %d times idle: the test tells nothing", clear, idle)
	}
}
