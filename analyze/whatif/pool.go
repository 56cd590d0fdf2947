package whatif

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/words"
	"gmptrace/model/simulate"
)

// crew is goroutines that wait for jobs at one place.
type crew struct {
	start   string // what they started with
	waits   string // the program's function that they wait in
	workers int
	jobs    int
}

// is reports whether the crew is asked for, by either function.
func (x *crew) is(p *Pool) bool { return p.Func.MatchString(x.start) || p.Func.MatchString(x.waits) }

// name is the function that tells which pool it is: sync's and others' start many.
func (x *crew) name() string {
	if x.waits != "" && names.HasPrefix(x.start, []string{"sync.", "golang.org/x/sync/"}) {
		return x.waits
	}
	return x.start
}

// pools are all of them, by the numbers of their stations.
func (c *workloads) pools() []crew {
	places := c.names.Places()
	out := make([]crew, len(c.sites))
	for i, key := range c.siteKeys {
		out[i] = crew{start: c.names.StartFunc(key.fn), workers: c.sites[i].Coming}
		if at := places.Of(key.stack); at != nil && at.Own {
			out[i].waits = at.At.Func
		}
	}
	for _, g := range c.order {
		if g.station >= 0 {
			out[g.station].jobs += len(g.starts)
		}
	}
	return out
}

// resize makes stations have as many workers as is asked for.
func (c *workloads) resize(stations []simulate.Station, asked []Pool) {
	if len(asked) == 0 {
		return
	}
	for i, x := range c.pools() {
		for k := range asked {
			if x.is(&asked[k]) {
				stations[i].Workers = asked[k].Workers
			}
		}
	}
}

// stood is how long jobs of a station waited for somebody to be free, all together, as far as
// it shows.
func (c *workloads) stood(station int) int64 {
	ns := int64(0)
	for _, g := range c.order {
		if g.station != station {
			continue
		}
		for i := range g.starts {
			if x := &g.starts[i]; !x.take {
				ns += int64(max(0, x.at-x.asked))
			}
		}
	}
	return ns
}

// shown reports whether of each pool that is asked for it shows which jobs waited.
func (c *workloads) shown(asked []Pool) bool {
	for i, x := range c.pools() {
		if x.workers > 0 && slices.ContainsFunc(asked, func(p Pool) bool { return x.is(&p) }) && c.stood(i) == 0 {
			return false
		}
	}
	return true
}

// poolsShown is how many pools an error names.
const poolsShown = 5

// checkPools is what is wrong with pools that are to have another size.
func (c *workloads) checkPools(asked []Pool) error {
	all := c.pools()
	slices.SortStableFunc(all, func(a, b crew) int { return cmp.Compare(b.jobs, a.jobs) })
	all = slices.DeleteFunc(all, func(x crew) bool { return x.workers == 0 })
	for i := range asked {
		p := &asked[i]
		if slices.ContainsFunc(all, func(x crew) bool { return x.is(p) }) {
			continue
		}
		const others = "; pools of places, as semaphores and database handles are, can't be given another size"
		if len(all) == 0 {
			return fmt.Errorf("--pool %s: no goroutines of one start function wait for jobs at one place in this trace"+others, p.Func)
		}
		var some []string
		for _, x := range all[:min(len(all), poolsShown)] {
			some = append(some, fmt.Sprintf("%s (%s)", x.name(), words.Plural(int64(x.workers), "goroutine")))
		}
		return fmt.Errorf("--pool %s: need the start function of goroutines that wait for jobs at one place, such as %s"+others, p.Func, strings.Join(some, ", "))
	}
	return nil
}

// poolDetail says what is known of the pools that are changed.
func (c *workloads) poolDetail(asked []Pool) string {
	var parts []string
	for _, x := range c.pools() {
		if x.workers > 0 && slices.ContainsFunc(asked, func(p Pool) bool { return x.is(&p) }) {
			parts = append(parts, fmt.Sprintf("in %s %s did %s", x.name(), words.Plural(int64(x.workers), "goroutine"), words.Plural(int64(x.jobs), "job")))
		}
	}
	return strings.Join(parts, "; ") + ", each of which any of them could have done. What one took without waiting for it counts as part of the job before."
}
