package explain

import "gmptrace/analyze/report"

// bill is the time of some instances by what the explained goroutine did and the cause.
type bill struct {
	count int64
	total int64
	items []billItem // of each via and cause at most one
}

type billItem struct {
	via   via
	cause report.Cause
	ns    int64
}

// put adds time: of a few causes, which most instances have, so looking through all
// of them is quick.
func (b *bill) put(v via, c report.Cause, ns int64) {
	for i := range b.items {
		if x := &b.items[i]; x.via == v && x.cause == c {
			x.ns += ns
			return
		}
	}
	b.items = append(b.items, billItem{v, c, ns})
}

// of is the time that went to a cause.
func (b *bill) of(v via, c report.Cause) int64 {
	for i := range b.items {
		if x := &b.items[i]; x.via == v && x.cause == c {
			return x.ns
		}
	}
	return 0
}

// each calls use with every via and cause there is time of, in their order.
func (b *bill) each(use func(via, report.Cause, int64)) {
	for v := range numVias {
		for c := range report.NumCauses {
			if ns := b.of(v, c); ns != 0 {
				use(v, c, ns)
			}
		}
	}
}

func (b *bill) add(o *bill) {
	b.count += o.count
	b.total += o.total
	for _, x := range o.items {
		b.put(x.via, x.cause, x.ns)
	}
}

// sub takes an instance's bill off again.
func (b *bill) sub(o *bill) {
	b.count -= o.count
	b.total -= o.total
	for _, x := range o.items {
		b.put(x.via, x.cause, -x.ns)
	}
}

// byCause is the time by cause alone.
func (b *bill) byCause() (by [report.NumCauses]int64) {
	for _, x := range b.items {
		by[x.cause] += x.ns
	}
	return by
}

// mean is the time of one cause for each instance.
func (b *bill) mean(v via, c report.Cause) int64 { return b.of(v, c) / max(1, b.count) }

// share is the part that went to a cause, in [0, 1].
func (b *bill) share(c report.Cause) float64 {
	return float64(b.byCause()[c]) / float64(max(1, b.total))
}
