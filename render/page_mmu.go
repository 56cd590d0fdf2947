package render

import (
	"fmt"
	"math"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// mmuCurve is the curve of minimum mutator utilisation as a picture, 640 by 160.
type mmuCurve struct {
	Points  string
	Ticks   []axisTick // of the windows' lengths
	Rows    [][2]string
	Summary string
}

const (
	mmuWidth  = 640.0
	mmuHeight = 160.0
	mmuTicks  = 6
)

// newMMUCurve is nil where nothing was collected.
func newMMUCurve(r *report.Report) *mmuCurve {
	list := r.GC.MMU
	if len(list) < 2 {
		return nil
	}
	c := &mmuCurve{}
	first, last := math.Log2(float64(list[0].Window)), math.Log2(float64(list[len(list)-1].Window))
	var points []string
	every := (len(list) + mmuTicks - 1) / mmuTicks
	for i, p := range list {
		x := mmuWidth * (math.Log2(float64(p.Window)) - first) / max(last-first, 1e-9)
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, mmuHeight*(1-p.Utilisation)))
		if i%every == 0 {
			c.Ticks = append(c.Ticks, axisTick{fmt.Sprintf("%.1f", x), words.Length(p.Window)})
		}
		c.Rows = append(c.Rows, [2]string{words.Length(p.Window), words.Share(p.Utilisation)})
	}
	c.Points = strings.Join(points, " ")
	c.Summary = mmuTakeaway(list)
	return c
}

// mmuTakeaway says what the curve tells: up to which length a window can have nothing, and
// what is left of those that people notice.
func mmuTakeaway(list []report.MMUPoint) string {
	text := ""
	for _, p := range list {
		if p.Utilisation == 0 {
			text = fmt.Sprintf("A window of %s can fall into a pause, with nothing left of it. ", words.Length(p.Window))
		}
	}
	i := 0
	for i < len(list)-1 && (list[i].Window < 10_000_000 || list[i].Utilisation == 0) {
		i++
	}
	return text + fmt.Sprintf("In the worst %s collecting garbage left the program %s of the time of its Ps.", words.Length(list[i].Window), words.Share(list[i].Utilisation))
}
