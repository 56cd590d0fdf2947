package policy

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// asked is what an expression asks checks: a check that could not be decided has no
// findings, which a rule can't take for good news.
type asked struct {
	checks []string // that it names
	all    bool     // it looks at what checks found without naming them
	knows  bool     // it looks at whether they are decided itself
	lack   bool     // it asks for what not every trace tells
	spans  bool     // it looks at times of tasks, regions or requests
}

// and is what two expressions of a rule ask together.
func (a asked) and(b asked) asked {
	return asked{append(slices.Clone(a.checks), b.checks...), a.all || b.all, a.knows || b.knows, a.lack || b.lack, a.spans || b.spans}
}

// askedIn is what an expression asks checks. It names one as the argument of
// findings_of or check, and by comparing the id of a finding or check with it.
func askedIn(tree *ast.AST) (a asked) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			a.all = a.all || e.AsIdent() == "findings" || e.AsIdent() == "checks"
			a.spans = a.spans || listsSpans(e.AsIdent())
		case ast.SelectKind:
			a.knows = a.knows || isField(tree, e, checkObject, "decided")
			f := selected(tree, e)
			a.lack = a.lack || f != nil && f.mayLack
		case ast.CallKind:
			a.call(tree, e.AsCall())
		}
	}))
	return a
}

// call takes in the checks that a call names.
func (a *asked) call(tree *ast.AST, call ast.CallExpr) {
	args := call.Args()
	f := functionNamed(call.FunctionName())
	a.lack = a.lack || f != nil && f.mayLack
	a.spans = a.spans || f != nil && listsSpans(f.nameIn)
	switch call.FunctionName() {
	case "findings_of", "check":
		if !a.name(args[0]) {
			a.all = true
		}
	case operators.Equals:
		for i := range args {
			if isID(tree, args[1-i]) {
				a.name(args[i])
			}
		}
	case operators.In:
		if isID(tree, args[0]) && args[1].Kind() == ast.ListKind {
			for _, x := range args[1].AsList().Elements() {
				a.name(x)
			}
		}
	}
}

// name takes in a check by its id, if that is written down.
func (a *asked) name(e ast.Expr) bool {
	if e.Kind() != ast.LiteralKind {
		return false
	}
	id, ok := e.AsLiteral().(types.String)
	if ok {
		a.checks = append(a.checks, string(id))
	}
	return ok
}

// isID reports whether an expression is the id of a check.
func isID(tree *ast.AST, e ast.Expr) bool {
	return isField(tree, e, findingObject, "id") || isField(tree, e, checkObject, "id")
}

func isField(tree *ast.AST, e ast.Expr, of *object, name string) bool {
	f := selected(tree, e)
	return f != nil && f == of.byName[name]
}

// asks is what a rule asks checks.
func (r *rule) asks() asked {
	a := asked{all: r.scope == "findings" || r.scope == "checks"}
	for _, e := range []*expression{r.expr, r.where} {
		if e != nil {
			a = a.and(e.asks)
		}
	}
	for _, e := range r.skips {
		a.knows = a.knows || e != nil && e.asks.knows
	}
	return a
}

// listsSpans reports whether a list has times of tasks, regions or requests.
func listsSpans(list string) bool {
	v := variable(list)
	return v != nil && slices.Contains([]*object{taskObject, regionObject, requestObject, sentObject}, v.of)
}

// spans reports whether a rule looks at times of tasks, regions or requests.
func (r *rule) spans() bool {
	all := append([]*expression{r.expr, r.where}, r.skips...)
	for _, m := range r.message {
		all = append(all, m.expr)
	}
	return listsSpans(r.scope) || slices.ContainsFunc(all, func(e *expression) bool { return e != nil && e.asks.spans })
}

// ifOpen is what becomes of the rule where checks that it asks are undecided: by default
// it is skipped if it names them. A rule about whatever was found passes: in most traces
// some check can't be decided.
func (r *rule) ifOpen(a asked) report.CheckStatus {
	switch {
	case r.ifUndecided != "":
		return r.ifUndecided
	case len(a.checks) > 0 && !a.knows:
		return report.CheckSkip
	}
	return report.CheckPass
}

// settle sets what becomes of a rule that holds, if it holds because checks that it asks
// could not be decided. One that fails does so by what was found, and one that passes all
// the same says which they are.
func (r *rule) settle(checks []report.Check, res *report.CheckResult) {
	a := r.asks()
	status := r.ifOpen(a)
	if res.Status != report.CheckPass || a.knows && r.ifUndecided == "" {
		return
	}
	var open, why []string
	for i := range checks {
		c := &checks[i]
		if c.Undecided != "" && (slices.Contains(a.checks, c.ID) || len(a.checks) == 0 && a.all) {
			open = append(open, c.ID)
			why = append(why, c.ID+": "+c.Undecided)
		}
	}
	switch {
	case len(why) == 0:
		return
	case status == report.CheckPass:
		if res.Message != "" {
			res.Message += "; "
		}
		res.Message += words.Plural(len(why), "check") + " could not be decided: " + strings.Join(open, ", ")
		return
	}
	res.Status, res.Undecided = status, open
	res.Message = words.Plural(len(why), "check") + " could not be decided: " + strings.Join(why, "; ")
	if status != report.CheckFail {
		return
	}
	for i, id := range res.Undecided {
		res.Failures = append(res.Failures, report.CheckFailure{Item: id, Key: id + " undecided", Message: "could not be decided: " + strings.TrimPrefix(why[i], id+": ")})
	}
}
