package names

import (
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// Job is the outermost function of a stack that whoever runs it was given to do: the
// program's own, of another type or package than the loop that the goroutine runs. "" where
// none shows.
func (p *Places) Job(stack uint32) string {
	frames := p.names.Stacks[stack]
	loop := ""
	for i := len(frames) - 1; i >= 0; i-- {
		f := &frames[i]
		if p.codeOf(f) != codeOwn {
			continue
		}
		switch owner := ownerOf(f.Func); {
		case loop == "":
			loop = owner
		case owner != loop:
			return f.Func
		}
	}
	return ""
}

// ownerOf is the type that a function is a method of, with its package, or else its package.
func ownerOf(fn string) string {
	if at := strings.Index(fn, ")."); at >= 0 {
		return fn[:at+1]
	}
	return Package(fn)
}

// Within reports whether a stack has a function.
func (n *Table) Within(stack uint32, fn string) bool {
	return slices.ContainsFunc(n.Stacks[stack], func(f report.Frame) bool { return f.Func == fn })
}

// LetInByPlace reports whether who lets another one go on, which stands with the one stack, gives
// back a place that it had got the same way: in a function in which that one stands, in a
// closure of it, or by a method of the same type of a package. Who takes what others hand
// over does so in a loop of its own.
func (n *Table) LetInByPlace(stood, letIn uint32) bool {
	frames := slices.DeleteFunc(slices.Clone(n.Stacks[letIn]), func(f report.Frame) bool { return IsRuntime(f.Func) || Standard(&f) })
	for i := range frames {
		f := &frames[i]
		if slices.ContainsFunc(n.Stacks[stood], func(s report.Frame) bool {
			closure := i+1 < len(frames) && strings.HasPrefix(f.Func, s.Func+".")
			return f.Func == s.Func || closure || ofModule(f.File) && ofModule(s.File) && ownerOf(f.Func) == ownerOf(s.Func)
		}) {
			return true
		}
	}
	return false
}

// FromPool reports whether a function on a stack was called by sync.Pool, to make what the
// pool had none of.
func (n *Table) FromPool(stack uint32) bool {
	frames := n.Stacks[stack]
	for i := range frames {
		if frames[i].Func == "sync.(*Pool).Get" {
			return i > 0 && !HasPrefix(frames[i-1].Func, []string{"runtime.", "sync."})
		}
	}
	return false
}

// PoolAdvice is what to do about what is allocated for such a pool, after where that is.
const PoolAdvice = ", for a sync.Pool that had none left: see that what it gives is put back (Put) on every path. Collections empty pools as well."
