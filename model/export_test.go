package model

import (
	"fmt"
	"strings"
)

// Validator is the validator for tests outside of the package.
type Validator = validator

// What the tests outside of the package use of it.
var NewValidator = newValidator

// Before is before.
func (v *validator) Before(ev *Event) { v.before(ev) }

// After is after.
func (v *validator) After(s *Sched) { v.after(s) }

// Lives is lives.
func (v *validator) Lives() { v.lives() }

// State is state.
func (v *validator) State(s *Sched) { v.state(s) }

// DecideOne decides the oldest event in the look-ahead; it returns false when
// there is none.
func (s *Sched) DecideOne() bool {
	if s.ahead.head == s.ahead.tail {
		return false
	}
	s.decide()
	return true
}

// Queues is every queue as text, a line a P.
func (s *Sched) Queues() string {
	var out strings.Builder
	name := func(r gref) string {
		if r == 0 {
			return "-"
		}
		return fmt.Sprintf("G%d", s.g(r).id)
	}
	for _, p := range s.ps {
		if p == nil {
			continue
		}
		var ring []string
		for i := range p.runq.len() {
			ring = append(ring, name(p.runq.at(i)))
		}
		if len(ring) > 8 {
			ring = []string{ring[0], "…", ring[len(ring)-1], fmt.Sprintf("(%d)", len(ring))}
		}
		fmt.Fprintf(&out, "P%d runnext=%s runq=%v tick=%d\n", p.id, name(p.runnext), ring, p.tick)
	}
	if s.globq.n == 0 {
		return out.String()
	}
	var all []string
	for pos := s.globq.head; pos < s.globq.tail && len(all) < 8; pos++ {
		if r := s.globq.at(pos); r > 0 {
			all = append(all, name(r))
		}
	}
	fmt.Fprintf(&out, "global %v (%d)\n", all, s.globq.n)
	return out.String()
}
