package fleet

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// label names what something is told of, by as many parts as it takes.
type label [6]string

// leftOver is what is told of together when there are too many things.
var leftOver = label{Others}

// Others is what stands for all that are not told apart.
const Others = "(others)"

func (k label) compare(o label) int { return slices.Compare(k[:], o[:]) }

func (k label) hash() uint64 {
	h := fnv.New64a()
	for _, part := range k {
		h.Write([]byte(part))
		h.Write([]byte{0xff}) // is in no text
	}
	return h.Sum64()
}

// sum is what adds up.
type sum[V any] interface {
	*V
	add(*V)
}

// table keeps sums by key, of most at the most: of more, those whose keys' hashes are the
// least. These are the same ones in whatever order and portions they come, and none of
// them has ever been given up, so that their sums are whole. All others are one sum.
type table[V any, P sum[V]] struct {
	By    map[label]P
	Rest  P // nil for none
	Given bool
	Bound uint64 // where Given: what hashes to no less was given up
}

// at is the sum of a key, to add to.
func (t *table[V, P]) at(k label, most int) P {
	if x := t.By[k]; x != nil {
		return x
	}
	if t.Given && k.hash() >= t.Bound || k == leftOver {
		return t.rest()
	}
	if t.By == nil {
		t.By = map[label]P{}
	}
	if len(t.By) >= 2*most { // not one after the other
		t.cut(most)
		if k.hash() >= t.Bound {
			return t.rest()
		}
	}
	x := P(new(V))
	t.By[k] = x
	return x
}

func (t *table[V, P]) rest() P {
	if t.Rest == nil {
		t.Rest = new(V)
	}
	return t.Rest
}

// cut gives up what is beyond most.
func (t *table[V, P]) cut(most int) {
	if len(t.By) <= most {
		return
	}
	hashes := make([]uint64, 0, len(t.By))
	for k := range t.By {
		hashes = append(hashes, k.hash())
	}
	slices.Sort(hashes)
	t.Given, t.Bound = true, hashes[most]
	for k, x := range t.By { // sums do not depend on the order
		if k.hash() >= t.Bound {
			t.rest().add(x)
			delete(t.By, k)
		}
	}
}

// merge adds another table's sums, which it may keep.
func (t *table[V, P]) merge(o *table[V, P], most int) {
	if o.Given && (!t.Given || o.Bound < t.Bound) {
		t.Given, t.Bound = true, o.Bound
		for k, x := range t.By {
			if k.hash() >= t.Bound {
				t.rest().add(x)
				delete(t.By, k)
			}
		}
	}
	for k, x := range o.By {
		t.at(k, most).add(x)
	}
	if o.Rest != nil {
		t.rest().add(o.Rest)
	}
}

// keys are those of all that are told apart, in their order, now that nothing is added any
// more.
func (t *table[V, P]) keys(most int) []label {
	t.cut(most)
	out := make([]label, 0, len(t.By))
	for k := range t.By {
		out = append(out, k)
	}
	slices.SortFunc(out, label.compare)
	return out
}

// Sample is why traces were taken, as far as that has to do with what they can tell.
type Sample string

// The samples.
const (
	SampleBaseline Sample = "baseline" // by chance: tells how things are
	SampleSlow     Sample = "slow"     // because something was slow or a metric high: tells why it was, and nothing of how often
	SampleOther    Sample = "other"    // asked for by somebody, or nothing tells why
)

// samples are all of them, in the order of what they tell.
var samples = [3]Sample{SampleBaseline, SampleSlow, SampleOther}

// sampleOf is the number of a trigger's sample.
func sampleOf(trigger string) int {
	switch trigger {
	case "baseline":
		return 0
	case "slow", "observed", "metric":
		return 1
	}
	return 2
}

// count is how many traces of each sample there are.
type count struct{ N [len(samples)]int64 }

func (c *count) add(o *count) {
	for i := range c.N {
		c.N[i] += o.N[i]
	}
}

// all is how many there are of all samples.
func (c *count) all() int64 { return c.N[0] + c.N[1] + c.N[2] }

// worstTrace is a trace in a ranking.
type worstTrace struct {
	Cost  int64
	Trace string
	At    int64
	Text  string // what it says
	More  string // what to do about it
}

// mostWorst is how many are kept.
const mostWorst = 3

// worstOf keeps the worst: the costliest and, of those that cost the same, the one whose
// key comes first.
type worstOf struct{ List []worstTrace }

func (l *worstOf) offer(w worstTrace) {
	l.List = append(l.List, w)
	slices.SortFunc(l.List, func(a, b worstTrace) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.Trace, b.Trace), cmp.Compare(a.At, b.At), cmp.Compare(a.Text, b.Text))
	})
	seen := map[string]bool{}
	l.List = slices.DeleteFunc(l.List, func(w worstTrace) bool {
		again := seen[w.Trace]
		seen[w.Trace] = true
		return again
	})
	l.List = l.List[:min(len(l.List), mostWorst)]
}

func (l *worstOf) add(o *worstOf) {
	for _, w := range o.List {
		l.offer(w)
	}
}
