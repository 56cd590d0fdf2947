package whatif

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// loopback answers: which waits for the network were ended by goroutines of the
// same program, that wrote to the other end of a connection or a pipe? The trace
// does not tell, nor which connection a system call is about. What it tells:
//
//   - who makes system calls that send, and when;
//   - that what a wait ended with came while it lasted, and not before the last
//     look at the network by a thread that had nothing else to do;
//   - the order in which one look at the network found goroutines ready, which is
//     the order in which something came for them;
//   - that the same goroutine mostly sends to the same one.
//
// A goroutine whose waits nobody's sending explains waits for something outside.
type loopback struct {
	names  *names.Table
	sends  []sent
	waits  []netWait
	sender names.Flags // of stacks: sends
	arrive stat.Sketch // from a send to the end of the wait for it
}

// sent is a system call that sends.
type sent struct {
	from, to model.Time
	g        uint32
	used     bool
}

// netWait is a wait for the network.
type netWait struct {
	from, to model.Time
	idle     model.Time // before that nothing had come: since then a thread waited for it; noTime if none did
	g        uint32
	blocks   uint32 // waits of g before it that goroutines ended
	by       int32  // the send that ended it, an index; -1 for none
}

// senders are functions that make what they send arrive somewhere: innermost ones
// of stacks in system calls.
var senders = []string{"syscall.write", "syscall.writev", "syscall.sendto", "syscall.sendmsg", "syscall.sendmsgN", "syscall.sendfile", "syscall.splice",
	"syscall.connect", "syscall.Close", "syscall.close", "syscall.shutdown", "internal/poll.writev"}

// senderFrames is how deep a sender may be in a stack.
const senderFrames = 6

func (l *loopback) sending(stack uint32) bool {
	return l.sender.Of(l.names, stack, func(frames []report.Frame) bool {
		return slices.ContainsFunc(frames[:min(len(frames), senderFrames)], func(f report.Frame) bool {
			return slices.ContainsFunc(senders, func(s string) bool { return strings.HasPrefix(f.Func, s) && !strings.Contains(f.Func[len(s):], ".") })
		})
	})
}

// syscall takes a system call of goroutine g.
func (l *loopback) syscall(g *gWork, iv *model.GInterval) {
	if l.sending(iv.Stack) {
		l.sends = append(l.sends, sent{from: iv.Start, to: iv.End, g: uint32(g.index)})
	}
}

// idleSince notes that a thread had waited for the network since from when g's last
// wait ended.
func (l *loopback) idleSince(g *gWork, from model.Time) {
	for i := len(l.waits) - 1; i >= 0 && i >= len(l.waits)-idleBack; i-- {
		if l.waits[i].g == uint32(g.index) {
			l.waits[i].idle = from
			return
		}
	}
}

// idleBack is how many waits idleSince looks back at: no more end between the end of
// a wait and the start of its goroutine on a P that was idle.
const idleBack = 64

// pair is a goroutine that waits for the network and one that sends.
type pair struct{ waits, sends uint32 }

// match finds the send that ended each wait.
func (l *loopback) match() {
	slices.SortStableFunc(l.sends, func(a, b sent) int { return cmp.Compare(a.from, b.from) })
	votes := map[pair]int32{}
	l.batches(func(waits []netWait, lo, hi int) { l.vote(waits, lo, hi, votes) })
	partners := l.partners(votes)
	l.batches(func(waits []netWait, _, hi int) {
		l.assign(waits, hi, partners)
		l.arrival(waits)
	})
}

// arrival measures how long it took from the first of what ended waits together to their
// end, where a thread waited for the network all the while.
func (l *loopback) arrival(waits []netWait) {
	first := model.Time(math.MaxInt64)
	for i := range waits {
		w := &waits[i]
		if w.by < 0 || w.idle == noTime || w.idle > l.sends[w.by].from {
			return
		}
		first = min(first, l.sends[w.by].to)
	}
	l.arrive.Add(int64(max(0, waits[0].to-first)))
}

// batches calls f with the waits that one look at the network ended, in the order
// in which something came for them, and the range of the sends since the look
// before.
func (l *loopback) batches(f func(waits []netWait, lo, hi int)) {
	lo, hi := 0, 0
	before := model.Time(math.MinInt64)
	for i := 0; i < len(l.waits); {
		j := i + 1
		for j < len(l.waits) && l.waits[j].to <= l.waits[j-1].to+simulate.BatchGap {
			j++
		}
		for hi < len(l.sends) && l.sends[hi].from < l.waits[i].to {
			hi++
		}
		for lo < hi && l.sends[lo].to < before {
			lo++
		}
		lo = max(lo, hi-mostSends)
		f(l.waits[i:j], lo, hi)
		before = l.waits[i].to - simulate.BatchGap
		i = j
	}
}

// possible reports whether send k can have ended w.
func (l *loopback) possible(w *netWait, k int) bool {
	s := &l.sends[k]
	return s.g != w.g && !s.used && s.to >= w.from && s.from < w.to && (w.idle == noTime || s.to >= w.idle-idleBefore)
}

// idleBefore is how long before a P is seen idle its thread may have looked at the
// network for the last time.
const idleBefore = 20_000 // ns

// vote counts who may have sent to whom: by the order, where as many waits ended
// as there were sends; else where only one goroutine sent while the wait lasted.
func (l *loopback) vote(waits []netWait, lo, hi int, votes map[pair]int32) {
	var sends []int
	for k := lo; k < hi; k++ {
		if slices.ContainsFunc(waits, func(w netWait) bool { return l.possible(&w, k) }) {
			sends = append(sends, k)
		}
	}
	if len(sends) == len(waits) {
		for i, k := range sends {
			if w := &waits[inOrder(i, len(waits))]; l.possible(w, k) {
				votes[pair{w.g, l.sends[k].g}]++
			}
		}
		return
	}
	for i := range waits {
		if g, ok := l.only(&waits[i], hi); ok {
			votes[pair{waits[i].g, g}]++
		}
	}
}

// only is the one goroutine that sent while w lasted; hi is the end of the sends
// before the wait's end.
func (l *loopback) only(w *netWait, hi int) (g uint32, ok bool) {
	for k := hi - 1; k >= l.least(w, hi); k-- {
		if !l.possible(w, k) {
			continue
		}
		if ok && l.sends[k].g != g {
			return 0, false
		}
		g, ok = l.sends[k].g, true
	}
	return g, ok
}

// mostSends is how many sends back what ended a wait is looked for.
const mostSends = 1024

// least is the first send that can have ended w.
func (l *loopback) least(w *netWait, hi int) int {
	lo := max(hi-mostSends, 0)
	for hi > lo && l.sends[hi-1].to >= w.from {
		hi--
	}
	return hi
}

// inOrder is the place in a batch of the goroutine for which something came as the
// i-th: the poller's list is a stack, from which the first one is taken to be run
// at once, and readied last.
//
// Source: netpoll_epoll.go, netpoll; proc.go, findRunnable, injectglist.
func inOrder(i, n int) int {
	if i == n-1 {
		return n - 1
	}
	return n - 2 - i
}

// partners are, for each goroutine that waits, those that send to it, the likeliest
// first. It takes more than one vote, and a share of all.
func (l *loopback) partners(votes map[pair]int32) map[uint32][]uint32 {
	all := map[uint32]int32{}
	for p, n := range votes {
		all[p.waits] += n
	}
	type candidate struct {
		pair
		n int32
	}
	var good []candidate
	for p, n := range votes {
		if n > 1 && float64(n) >= partnerShare*float64(all[p.waits]) {
			good = append(good, candidate{p, n})
		}
	}
	slices.SortFunc(good, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.waits, b.waits), cmp.Compare(b.n, a.n), cmp.Compare(a.sends, b.sends))
	})
	out := map[uint32][]uint32{}
	for _, c := range good {
		out[c.waits] = append(out[c.waits], c.sends)
	}
	return out
}

// partnerShare is the least share of a goroutine's votes that one must have to be
// taken for who sends to it. With several connections to the outside, chance gives
// each of them less.
const partnerShare = .3

// assign gives each wait the first possible send of its likeliest partner that ended
// no other wait.
func (l *loopback) assign(waits []netWait, hi int, partners map[uint32][]uint32) {
	for i := range waits {
		w := &waits[inOrder(i, len(waits))]
		w.by = -1
		lo := l.least(w, hi)
		for _, g := range partners[w.g] {
			for k := lo; k < hi && w.by < 0; k++ {
				if l.sends[k].g == g && l.possible(w, k) {
					w.by = int32(k)
				}
			}
			if w.by >= 0 {
				l.sends[w.by].used = true
				break
			}
		}
	}
}

// matched counts the waits that were matched.
func (l *loopback) matched() int64 {
	n := int64(0)
	for i := range l.waits {
		if l.waits[i].by >= 0 {
			n++
		}
	}
	return n
}

// connect matches waits for the network with what ended them, and tells the
// goroutines: each wait so ended is one more that a goroutine ended.
func (c *workloads) connect() {
	l := &c.local
	l.match()
	for i := range l.waits {
		w := &l.waits[i]
		g := c.order[w.g]
		g.local = append(g.local, w.by >= 0)
		if w.by < 0 {
			continue
		}
		s := &l.sends[w.by]
		by := c.order[s.g]
		by.sends = append(by.sends, placed{at: s.to, kind: markSend, a: uint64(w.g), b: uint64(w.blocks) + uint64(len(g.sentAt))})
		g.sentAt = append(g.sentAt, w.blocks)
	}
}

// number is the number of g's n-th wait that another goroutine's wake ended, among
// all that goroutines ended, be it by sending.
func (g *gWork) number(n uint64) uint64 {
	k := sort.Search(len(g.sentAt), func(i int) bool { return uint64(g.sentAt[i]) > n })
	return n + uint64(k)
}
