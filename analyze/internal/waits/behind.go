package waits

import (
	"fmt"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Behind is where it begins that goroutines wait to send, or to receive, for ever: who let
// others go on there before stands itself, and has done so since.
type Behind struct {
	chain []*Stand // each stands for the next one
	zero  model.Time
}

// maxBehind bounds a chain.
const maxBehind = 16

// Behind follows those who stand at a place, in a trace that begins at zero; nil where who let
// others go on there does not stand. Who last let somebody take a lock is not who has it: locks
// end a chain.
func (w *Standing) Behind(x *Stand, places *names.Places, zero model.Time) *Behind {
	b := &Behind{zero: zero}
	for len(b.chain) < maxBehind && !x.Lock && x.Pool == nil {
		last := w.lastMet(places, x)
		next := w.standOf(places, last.g, last.at)
		if next == nil || next.Name == x.Name || b.has(next) {
			break
		}
		b.chain = append(b.chain, next)
		x = next
	}
	if len(b.chain) == 0 {
		return nil
	}
	return b
}

func (b *Behind) has(x *Stand) bool {
	for _, y := range b.chain {
		if y.Name == x.Name {
			return true
		}
	}
	return false
}

// lastMet is who was at the other side last when somebody went on at the place of a stand,
// having waited there or not; NoG for nobody.
func (w *Standing) lastMet(places *names.Places, x *Stand) meeting {
	last := meeting{g: model.NoG}
	if x.gone.n > 0 {
		last = meeting{x.gone.by, x.gone.last}
	}
	for stack, m := range w.met {
		if m.at <= last.at {
			continue
		}
		if p := places.Of(uint32(stack)); p != nil && p.At == x.At {
			last = m
		}
	}
	return last
}

// standOf is where a goroutine stands that came to do so after a time; nil for nowhere, and
// where it waits for its next piece of work.
func (w *Standing) standOf(places *names.Places, g model.GoID, after model.Time) *Stand {
	for _, list := range [][]model.GInterval{w.open, w.receive} {
		for i := range list {
			iv := &list[i]
			if iv.G != g || iv.Start < after || names.Inbox(w.pools.Names.Stacks[iv.Stack]) && iv.Reason != model.ReasonChanSend {
				continue
			}
			p := places.Of(iv.Stack)
			if p == nil {
				return nil
			}
			x := w.standAt(iv, &p.At)
			x.add(iv)
			w.sumEnded(places, func(name string) *Stand {
				if name == x.Name {
					return x
				}
				return nil
			})
			return x
		}
	}
	return nil
}

// First is the one that the others stand for.
func (b *Behind) First() *Stand { return b.chain[len(b.chain)-1] }

// Where names it: "main.flush (bus.go:99), which has been waiting to send since 1.10 s".
func (b *Behind) Where() string {
	x := b.First()
	return fmt.Sprintf("%s, which has been waiting %s %s", x.Name, x.Does(), x.When(b.zero))
}

// Why says who stands for whom.
func (b *Behind) Why() string {
	var s strings.Builder
	for i, x := range b.chain {
		who := "Who let them go on before"
		if i > 0 {
			who = ", and who let that one go on"
		}
		fmt.Fprintf(&s, "%s waits %s in %s itself, %s", who, x.Does(), x.Name, x.When(b.zero))
	}
	x := b.First()
	if x.gone.n == 0 {
		return fmt.Sprintf("%s: nobody is seen to have %s there at all.", &s, x.Undone())
	}
	return fmt.Sprintf("%s: nobody has %s there since %s.", &s, x.Undone(), words.At(int64(x.gone.last-b.zero)))
}

// Advice is what to do about that one.
func (b *Behind) Advice() string {
	x, what := b.First(), b.First().LetGoOn()
	return "Begin in " + x.Name + ": " + strings.ToLower(what[:1]) + what[1:]
}

// SureOfBehind says why it is no surer who stands for whom.
const SureOfBehind = "that they stand is in the trace, and who let others go on there before; that they wait for that one again is inferred"
