package explain

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// TestFewNamed: a few requests of which a handler shows are told of with the many of which
// none does, and how few they are; from ten on, or where there are not ten times as many
// others, apart.
func TestFewNamed(t *testing.T) {
	for _, c := range []struct {
		named, unnamed int64
		apart          bool
	}{{2, 300, false}, {9, 90, false}, {10, 300, true}, {9, 89, true}, {3, 0, true}} {
		g := &group{kind: report.KindRequest}
		add := func(name string, n int64, length model.Time) {
			if n == 0 {
				return
			}
			p := g.at(popKey{name: name})
			p.slowest = stat.NewTopK[*explained](1)
			for range n {
				p.count(&Span{End: length}, int64(length))
			}
		}
		add("main.show", c.named, 1000)
		add("", c.unnamed, 10)
		g.joinFew()
		if apart := g.by[popKey{name: "main.show"}] != nil; apart != c.apart || g.n() != c.named+c.unnamed {
			t.Errorf("%d that show a handler and %d that do not: apart %v, %d in all", c.named, c.unnamed, apart, g.n())
		}
		if c.apart {
			continue
		}
		a := &answer{g: g, p: g.unnamed()}
		if said := a.unnamed(); !strings.Contains(said, "main.show") {
			t.Errorf("said is %q", said)
		}
	}
}
