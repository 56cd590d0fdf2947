package explain

import (
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/model"
)

// byKey are values by keys, in the order in which those came. Of what a path consists of
// nearly every piece may have a key of its own: a hash of what differs in most of them takes
// a fraction of that of all of a key.
type byKey[K comparable, V any] struct {
	list  []keyed[K, V]
	slots []int32 // by hash: the index in list + 1, 0 for none
	hash  func(*K) uint64
	asked K             // the key that was looked up last: one on the stack would be allocated each time
	short []keyed[K, V] // as takeShort returned it last
}

type keyed[K comparable, V any] struct {
	key   K
	value V
}

// at is the value of a key, a new one where there is none.
func (t *byKey[K, V]) at(k K) *V {
	if 2*len(t.list) >= len(t.slots) {
		t.index(max(16, 2*len(t.slots)))
	}
	t.asked = k
	slot := t.slot(&t.asked)
	if *slot == 0 {
		t.list = append(t.list, keyed[K, V]{key: k})
		*slot = int32(len(t.list))
	}
	return &t.list[*slot-1].value
}

// has reports whether there is a value of a key.
func (t *byKey[K, V]) has(k K) bool {
	t.asked = k
	return len(t.slots) > 0 && *t.slot(&t.asked) != 0
}

// slot is where the index of a key stands, or has to.
func (t *byKey[K, V]) slot(k *K) *int32 {
	for i := t.hash(k); ; i++ {
		slot := &t.slots[i%uint64(len(t.slots))]
		if *slot == 0 || t.list[*slot-1].key == *k {
			return slot
		}
	}
}

// index makes n slots for the list, n being a power of two.
func (t *byKey[K, V]) index(n int) {
	if n == len(t.slots) {
		clear(t.slots)
	} else {
		t.slots = make([]int32, n)
	}
	for i := range t.list {
		*t.slot(&t.list[i].key) = int32(i + 1)
	}
}

// takeShort takes out what is not longer than three quarters of all, and returns it until the
// next time.
func (t *byKey[K, V]) takeShort(ns func(*V) int64) []keyed[K, V] {
	lengths := make([]int64, len(t.list))
	for i := range t.list {
		lengths[i] = ns(&t.list[i].value)
	}
	slices.Sort(lengths)
	cut := lengths[len(lengths)*3/4]
	long, short := t.list[:0], t.short[:0]
	for i := range t.list {
		if x := t.list[i]; ns(&x.value) > cut {
			long = append(long, x)
		} else {
			short = append(short, x)
		}
	}
	t.list, t.short = long, short
	t.index(len(t.slots))
	return short
}

// mixed spreads a hash over all bits.
func mixed(h uint64) uint64 {
	h = (h ^ h>>32) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// maxSums bounds what of an instance's time is told apart: where more goroutines had a part
// in it, those with the greatest ones are told, and of the others what they did. A quarter
// stays each time that there are too many, so that who has much is among them whenever he
// had it.
const maxSums = 1 << 13

func newStepSums() byKey[stepSum, tally] {
	return byKey[stepSum, tally]{hash: func(s *stepSum) uint64 {
		return mixed(uint64(s.who.G)*0xff51afd7ed558ccd + uint64(s.g.G)*0xc4ceb9fe1a85ec53 + uint64(s.seen)<<32 + uint64(s.stack)<<16 + uint64(s.stood)<<8 + uint64(s.cause) + uint64(s.via)<<40)
	}}
}

// fold makes room in an instance's sums.
func (x *explained) fold() {
	short := x.sums.takeShort(func(t *tally) int64 { return t.ns })
	room := maxSums / 4
	for i := range short {
		s := &short[i]
		as := s.key.nameless()
		if !x.sums.has(as) {
			if room--; room < 0 { // they differ in more than in who it was
				as = s.key.bare()
			}
		}
		into := x.sums.at(as)
		*into = into.and(s.value)
	}
}

// bare is what is told of steps without who it was, or where.
func (s stepSum) bare() stepSum {
	x := stepSum{via: s.via, cause: s.cause, g: measure.Culprit{G: model.NoG}, who: measure.Culprit{G: model.NoG}, likely: s.likely, untold: s.untold, still: s.still}
	if s.g.G != model.NoG {
		x.g.G = somebody
	}
	return x
}

// and is the tally of both. The last wait of each is one if it began at once.
func (t tally) and(o tally) tally {
	if t.n == 0 {
		return o
	}
	if o.waits > 0 && o.last == t.last {
		o.waits--
	}
	return tally{ns: t.ns + o.ns, n: t.n + o.n, first: min(t.first, o.first), waits: t.waits + o.waits, last: max(t.last, o.last)}
}

func newAntagonists() byKey[antagonist, int64] {
	return byKey[antagonist, int64]{hash: func(a *antagonist) uint64 {
		return mixed(uint64(a.g)*0xff51afd7ed558ccd + uint64(a.p)<<8 + uint64(a.cause))
	}}
}
