package policy

import (
	"errors"
	"fmt"
	"regexp"
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
	by    string // the method of texts that compares it, as startsWith; "" where it is the whole name
}

// wanted are the things that an expression wants to be there.
type wanted struct {
	named   []naming
	implied []naming // only of what must hold: those for which something else must hold as well, as in it.name != "main.poll" || it.count > 3
	looksUp bool     // it calls a function that looks up what it names
}

// namesIn are the things that an expression wants to be there. What it names only to leave
// it out, as where: it.name != "main.poll" does, need not be there.
func namesIn(tree *ast.AST) wanted {
	n := &namesFinder{tree: tree}
	n.visit(tree.Expr(), true)
	return n.wanted
}

type namesFinder struct {
	wanted
	tree *ast.AST
	deep int // comprehensions that it is in
}

// visit takes an expression in; positive is whether the whole holds because it does, not
// because it does not.
func (n *namesFinder) visit(e ast.Expr, positive bool) {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		switch name := call.FunctionName(); {
		case name == operators.LogicalNot:
			positive = !positive
		case name == operators.LogicalOr && positive:
			n.conditions(call.Args(), operators.NotEquals)
		case name == operators.LogicalAnd && !positive && n.deep > 0: // as in !requests.exists(r, r.name == "main.pay" && r.count > 3)
			n.conditions(call.Args(), operators.Equals)
		case functionNamed(name) != nil && functionNamed(name).nameIn != "":
			n.looksUp = true
		case positive:
			n.named = append(n.named, n.compared(call)...)
		}
	case ast.ComprehensionKind:
		n.deep++
		defer func() { n.deep-- }()
	}
	for _, x := range children(e) {
		n.visit(x, positive)
	}
}

// conditions take in what parts of an expression name by an operator, beside another part
// that must hold of it.
func (n *namesFinder) conditions(parts []ast.Expr, operator string) {
	if slices.ContainsFunc(parts, func(e ast.Expr) bool { return e.Kind() == ast.IdentKind }) {
		return // what all() and exists() add up
	}
	for _, e := range parts {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operator {
			args := e.AsCall().Args()
			n.implied = append(append(n.implied, n.of(args[0], args[1], "")...), n.of(args[1], args[0], "")...)
		}
	}
}

// compared are the names that a call compares an item's name with.
func (n *namesFinder) compared(call ast.CallExpr) []naming {
	args := call.Args()
	switch name := call.FunctionName(); {
	case name == operators.Equals:
		return append(n.of(args[0], args[1], ""), n.of(args[1], args[0], "")...)
	case name == operators.In:
		return n.of(args[0], args[1], "")
	case compares[name] != nil && call.IsMemberFunction() && len(args) == 1:
		return n.of(call.Target(), args[0], name)
	}
	return nil
}

// of are the texts that are compared with one side, if that is the name of items.
func (n *namesFinder) of(side, with ast.Expr, by string) (all []naming) {
	f := selected(n.tree, side)
	if f == nil || f.nameIn == "" {
		return nil
	}
	for _, x := range textsIn(with) {
		all = append(all, naming{f.nameIn, x, by})
	}
	return all
}

// compares are the methods of texts by which an expression can name something.
var compares = map[string]func(name, with string) bool{
	"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix, "contains": strings.Contains,
	"matches": func(name, with string) bool {
		re, err := regexp.Compile(with)
		return err != nil || re.MatchString(name) // what is no expression is told of where it is evaluated
	},
}

// comparedBy says how, to be read behind the name of a thing.
var comparedBy = map[string]string{"startsWith": "whose name starts with ", "endsWith": "whose name ends with ", "contains": "whose name contains ", "matches": "whose name matches "}

// isAny reports whether there is such a thing among names.
func (n *naming) isAny(names []string) bool {
	if n.by == "" {
		return slices.Contains(names, n.name)
	}
	return slices.ContainsFunc(names, func(s string) bool { return compares[n.by](s, n.name) })
}

// meant are the parts of names that may have been meant.
func (n *naming) meant(names []string) (parts []string) {
	for _, s := range names {
		switch r := []rune(s); {
		case n.by == "startsWith":
			parts = append(parts, string(r[:min(len(r), len([]rune(n.name)))]))
		case n.by == "endsWith":
			parts = append(parts, string(r[max(0, len(r)-len([]rune(n.name))):]))
		case n.by == "":
			parts = append(parts, s)
		}
	}
	return parts
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
	e := &absentError{n, fmt.Sprintf("the trace has no %s %s%q", one, comparedBy[n.by], n.name)}
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
	likely := nearest(n.name, n.meant(names))
	if len(names) == 0 {
		e.text += fmt.Sprintf(", and no %s with a name at all", one)
		return e
	}
	e.text += didYouMean(n.name, n.meant(names))
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
		named := e.wants.named
		if e == r.expr {
			named = slices.Concat(named, e.wants.implied)
		}
		for _, n := range named {
			names := s.names(n.scope)
			// What has no name counts as one that is always there.
			if n.name != "" && !n.isAny(names) && !slices.ContainsFunc(all, func(err error) bool { return err.(*absentError).naming == n }) {
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
	return types.WrapErr(absent(naming{scope, want, ""}, names))
}
