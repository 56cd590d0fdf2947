package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"gmptrace/analyze/report"
)

// naming is that an expression names a thing of the program: by comparing an item's
// name with a text, or as the argument of a function that looks it up. A trace without
// that thing is no good news: the name may be mistyped, or have changed.
type naming struct {
	scope string // the list that it must be in
	name  string
}

// namesIn are the things that an expression wants to be there, and whether it looks any
// up. What it names only to leave it out, as it.name != "main.poll" does, need not be there.
func namesIn(tree *ast.AST) (all []naming, looksUp bool) {
	var visit func(e ast.Expr, wanted bool)
	compare := func(side, with ast.Expr, wanted bool) {
		f := selected(tree, side)
		if f == nil || f.nameIn == "" || !wanted {
			return
		}
		for _, x := range textsIn(with) {
			all = append(all, naming{f.nameIn, x})
		}
	}
	visit = func(e ast.Expr, wanted bool) {
		if e.Kind() == ast.CallKind {
			call := e.AsCall()
			args := call.Args()
			switch name := call.FunctionName(); {
			case name == operators.Equals:
				compare(args[0], args[1], wanted)
				compare(args[1], args[0], wanted)
			case name == operators.In:
				compare(args[0], args[1], wanted)
			case name == operators.LogicalNot:
				wanted = !wanted
			case functionNamed(name) != nil && functionNamed(name).nameIn != "":
				looksUp = true
			}
		}
		for _, x := range children(e) {
			visit(x, wanted)
		}
	}
	visit(tree.Expr(), true)
	return all, looksUp
}

// children are the expressions that one consists of.
func children(e ast.Expr) (all []ast.Expr) {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			all = append(all, call.Target())
		}
		all = append(all, call.Args()...)
	case ast.ListKind:
		all = e.AsList().Elements()
	case ast.SelectKind:
		all = []ast.Expr{e.AsSelect().Operand()}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		all = []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			all = append(all, x.AsMapEntry().Key(), x.AsMapEntry().Value())
		}
	}
	return all
}

// textsIn are the texts that are written down: one, or a list of them.
func textsIn(e ast.Expr) (all []string) {
	switch e.Kind() {
	case ast.LiteralKind:
		if s, ok := e.AsLiteral().(types.String); ok {
			all = append(all, string(s))
		}
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			all = append(all, textsIn(x)...)
		}
	}
	return all
}

// absentError is that a trace has not what a rule names.
type absentError struct {
	naming
	text string
}

func (e *absentError) Error() string { return e.text }

// maxNames is how many names a message lists.
const maxNames = 6

// absent is the error that there is no thing of that name among names.
func absent(n naming, names []string) *absentError {
	one := strings.TrimSuffix(strings.ReplaceAll(n.scope, "_", " "), "s")
	e := &absentError{n, fmt.Sprintf("the trace has no %s %q", one, n.name)}
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
	likely := nearest(n.name, names)
	if len(names) == 0 {
		e.text += fmt.Sprintf(", and no %s with a name at all", one)
		return e
	}
	e.text += didYouMean(n.name, names)
	if names = slices.DeleteFunc(names, func(s string) bool { return s == likely }); len(names) == 0 {
		return e
	}
	if e.text += ": it has "; likely != "" {
		e.text = strings.TrimSuffix(e.text, ": it has ") + " It also has "
	}
	e.text += strings.Join(names[:min(maxNames, len(names))], ", ")
	if more := len(names) - maxNames; more > 0 {
		e.text += fmt.Sprintf(" and %d more", more)
	}
	return e
}

// missing are the things that the rule names and the trace has not.
func (r *rule) missing(s *scene) (all []error) {
	for _, e := range []*expression{r.where, r.expr} {
		if e == nil {
			continue
		}
		for _, n := range e.named {
			names := s.names(n.scope)
			// What has no name counts as one that is always there.
			if n.name != "" && !slices.Contains(names, n.name) && !slices.ContainsFunc(all, func(err error) bool { return err.(*absentError).naming == n }) {
				all = append(all, absent(n, names))
			}
		}
	}
	return all
}

// names are those of a scope's items: the runtime's functions last, which nobody writes
// rules for.
func (s *scene) names(scope string) []string {
	var own, others []string
	for _, item := range s.items(scope) {
		switch of := item.(*value).of.(type) {
		case *span:
			own = append(own, of.Name)
		case *report.FunctionTime:
			if of.Runtime {
				others = append(others, of.Name)
			} else {
				own = append(own, of.Name)
			}
		}
	}
	return append(own, others...)
}

// withoutThem sets what becomes of the rule in a trace that has not what it names. Unless
// the rule says otherwise, it fails.
func (r *rule) withoutThem(res *report.CheckResult, missing []error) {
	res.Status, res.Failures, res.FailuresLeft = report.CheckFail, nil, 0
	if r.ifNoneGiven {
		res.Status = r.ifNone
	}
	res.Message = errors.Join(missing...).Error()
	res.Message = strings.ReplaceAll(res.Message, "\n", "; ")
	if res.Status != report.CheckFail {
		return
	}
	for _, err := range missing {
		n := err.(*absentError).naming
		res.Failures = append(res.Failures, report.CheckFailure{Item: n.name, Key: n.scope + " " + n.name + " absent", Message: err.Error()})
	}
}

// lookUp is the item of a list that has a name.
func lookUp[E any](o *object, scope, want string, all []*E, key func(*E) string) ref.Val {
	var names []string
	for _, e := range all {
		if key(e) == want {
			return &value{o, e}
		}
		names = append(names, key(e))
	}
	return types.WrapErr(absent(naming{scope, want}, names))
}
