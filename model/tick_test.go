package model_test

import (
	"testing"

	"gmptrace/model"
)

// TestNeverPulled: a pull ahead of local work has shown when it is P1's turn. 61
// ticks later P1 runs what a batch seems to have brought, with another in the global
// queue, which it would have taken then: the batch was smaller.
func TestNeverPulled(t *testing.T) {
	const rounds = `
repeat 28
goyield g=2 p=1 m=1
execute g=3 p=1 m=1
goyield g=3 p=1 m=1
execute g=2 p=1 m=1
end
`
	f := factsOf(t, `
newproc g=2 p=0 m=0 by=1
gosched g=1 p=0 m=0
execute g=2 p=0 m=0
newproc g=3 p=0 m=0 by=2
gosched g=2 p=0 m=0
execute g=3 p=0 m=0
newproc g=4 p=0 m=0 by=3
gosched g=3 p=0 m=0
execute g=4 p=0 m=0
acquirep q=1 m=1
execute g=1 p=1 m=1
park g=1 p=1 m=1 reason=sleep
execute g=2 p=1 m=1
`+rounds+`
newproc g=5 p=0 m=0 by=4
gosched g=4 p=0 m=0
execute g=5 p=0 m=0
goyield g=2 p=1 m=1
execute g=3 p=1 m=1
goyield g=3 p=1 m=1
execute g=4 p=1 m=1
park g=4 p=1 m=1 reason=sleep
execute g=2 p=1 m=1
`+rounds+`
newproc g=6 p=0 m=0 by=5
gosched g=5 p=0 m=0
execute g=6 p=0 m=0
newproc g=7 p=0 m=0 by=6
gosched g=6 p=0 m=0
execute g=7 p=0 m=0
newproc g=8 p=0 m=0 by=7
gosched g=7 p=0 m=0
execute g=8 p=0 m=0
goyield g=2 p=1 m=1
execute g=3 p=1 m=1
park g=3 p=1 m=1 reason=sleep
execute g=2 p=1 m=1
park g=2 p=1 m=1 reason=sleep
execute g=5 p=1 m=1
park g=5 p=1 m=1 reason=sleep
execute g=6 p=1 m=1
park g=6 p=1 m=1 reason=sleep
execute g=7 p=1 m=1
`)
	batch, got := f.Dispatches[len(f.Dispatches)-3], f.Dispatches[len(f.Dispatches)-2]
	if batch.G != 5 || batch.Source != model.SourceGlobal {
		t.Errorf("the batch: %+v", batch)
	}
	if got.G != 6 || got.Source != model.SourceGlobalTick || got.Certain {
		t.Errorf("in its turn: %+v", got)
	}
}
