package compare

import "gmptrace/analyze/stat"

// A length is far beyond those of the other side if it is farTimes the longest of
// them, and by no less than farLeast; they count if there are farShare of them, in
// farWindows windows at least, so that one disturbance does not.
const (
	farTimes   = 4
	farLeast   = 1e6 // ns
	farShare   = .02
	farWindows = 3
	farValues  = 50 // lengths on each side
)

// far compares how many lengths of each side are far beyond the longest of the
// other: what hits few requests, but hard, leaves medians and windows' quantiles
// alone. The test asks how likely it is that the longest of all lie on one side by
// chance.
func (c *comparison) far(k key, old, new []*Behaviour, o, n *stat.Sketch) []Change {
	if o.N() < farValues || n.N() < farValues {
		return nil
	}
	x := Change{Kind: k.kind, Name: k.name, Held: true, Stat: statFar, Unit: "%", Floor: farShare, P: 1, Q: 1, Verdict: Same, Bins: []Bin{}}
	x.Old = Side{N: len(old), Count: o.N(), Max: float64(o.Max())}
	x.New = Side{N: len(new), Count: n.N(), Max: float64(n.Max())}
	x.Old.Median, _ = x.Old.beyond(k, old, x.New.Max)
	var windows int
	if x.New.Median, windows = x.New.beyond(k, new, x.Old.Max); x.New.Median/100 >= farShare && windows >= farWindows {
		x.P = onOneSide(x.New.Median/100*float64(n.N()), n.N(), o.N()+n.N())
	} else if _, windows = x.Old.beyond(k, old, x.New.Max); x.Old.Median/100 >= farShare && windows >= farWindows {
		x.P = onOneSide(x.Old.Median/100*float64(o.N()), o.N(), o.N()+n.N())
	}
	x.Effect = (x.New.Median - x.Old.Median) / 100
	x.Lo, x.Hi = x.Effect, x.Effect
	x.Old.Lo, x.Old.Hi, x.New.Lo, x.New.Hi = x.Old.Median, x.Old.Median, x.New.Median, x.New.Median
	return []Change{x}
}

// beyond is the percentage of a side's lengths that are far beyond a length, and in
// how many windows they are.
func (s *Side) beyond(k key, side []*Behaviour, length float64) (percent float64, windows int) {
	least := max(farTimes*length, length+farLeast)
	var n float64
	for _, b := range side {
		for i := range b.Series {
			if b.Series[i].Kind != k.kind || b.Series[i].Name != k.name {
				continue
			}
			for _, w := range b.Series[i].Windows {
				var in float64
				for bin, count := range w.Bins() {
					if float64(stat.Mid(bin)) > least {
						in += float64(count)
					}
				}
				if n += in; in > 0 {
					windows++
				}
			}
		}
	}
	return 100 * n / float64(max(1, s.Count)), windows
}

// onOneSide is the probability that the k longest of all lengths lie on the side
// with n of them by chance.
func onOneSide(k float64, n, all int64) float64 {
	p := 1.0
	for i := int64(0); float64(i)+.5 < k; i++ {
		p *= float64(n-i) / float64(all-i)
	}
	return p
}
