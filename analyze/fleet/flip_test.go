package fleet

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// TestFlipped: rows with wrong bytes in them are read or refused, soon and without much
// memory, and what is read can be told.
func TestFlipped(t *testing.T) {
	b := written(t, mapFile(t, "broken/truncated.trace", Input{Host: "h", Build: "b", Trigger: "baseline"}))
	random := rand.New(rand.NewPCG(8, 9))
	refused := 0
	for i := range 400 {
		bad := bytes.Clone(b)
		at := random.IntN(len(bad))
		if i%2 == 0 {
			at = len(bad) - 1 - random.IntN(len(bad)/3) // in the footer, which says where all lies
		}
		for k := at; k < min(at+1+random.IntN(4), len(bad)); k++ {
			bad[k] = byte(random.Uint32())
		}
		begun := time.Now()
		r, err := ReadRows(bytes.NewReader(bad), int64(len(bad)))
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("round %d: it took %v", i, took)
		}
		if err != nil {
			refused++
			continue
		}
		var f Fleet
		f.Add(r)
		f.Result()
	}
	if refused == 0 || refused == 400 {
		t.Errorf("%d of 400 refused", refused)
	}
}
