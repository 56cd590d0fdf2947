package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// judge finds what the types allow and can't be meant. A rule with that in it would
// always pass, or never.
type judge struct {
	tree  *ast.AST
	wrong func(id int64, format string, args ...any)
}

// wrongValues finds things that are made instead of taken from the trace, texts that
// something is compared with although it can never be that (the id of a check, a severity
// …), and shares compared with what no share can be.
func wrongValues(tree *ast.AST, wrong func(id int64, format string, args ...any)) {
	j := &judge{tree, wrong}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.StructKind:
			wrong(e.ID(), "a %s can't be made, only taken from the trace", e.AsStruct().TypeName())
		case ast.CallKind:
			j.call(e)
		}
	}))
}

func (j *judge) call(e ast.Expr) {
	call := e.AsCall()
	args := call.Args()
	switch name := call.FunctionName(); {
	case name == operators.Equals || name == operators.NotEquals || ordering[name] != "":
		for i := range 2 {
			j.compared(e, args[i], args[1-i])
		}
	case name == operators.In:
		if f := selected(j.tree, args[0]); f != nil && args[1].Kind() == ast.ListKind {
			for _, x := range args[1].AsList().Elements() {
				j.text(x, f.name, f.values)
			}
		}
	case compares[name] != nil && call.IsMemberFunction() && len(args) == 1:
		j.likeOne(call.Target(), args[0], name)
	case functionNamed(name) != nil:
		for _, x := range args {
			j.text(x, "what "+name+" takes", functionNamed(name).values)
		}
	}
}

// ordering are the operators that compare by order, with the overloads of them that
// compare texts and ints.
var ordering = map[string]string{
	operators.Less: "less", operators.LessEquals: "less_equals", operators.Greater: "greater", operators.GreaterEquals: "greater_equals",
}

// compared judges a comparison of one side with the other.
func (j *judge) compared(e, side, with ast.Expr) {
	j.share(e.AsCall().FunctionName(), side, with, side == e.AsCall().Args()[0])
	f := selected(j.tree, side)
	if f == nil {
		return
	}
	j.text(with, f.name, f.values)
	if ordering[e.AsCall().FunctionName()] != "" && f.values != nil && !f.ranked {
		j.wrong(e.ID(), "%s has no order: compare it with == or in", f.name)
	}
}

// share judges a comparison of a share, or of a sum of some, with what is written down. left
// is whether the share is on the left.
func (j *judge) share(operator string, side, with ast.Expr, left bool) {
	n := j.shares(side)
	if n == 0 {
		return
	}
	what, last := j.written(side)+" is", float64(n)
	for _, x := range choices(with) {
		switch v, ok := literalNumber(x); {
		case !ok:
		case v > last || v < 0:
			j.wrong(x.ID(), "%s from 0 to %s%s", what, plain(last), shareMeant(v, x))
		case v == last && operator == atMost[left], v == 0 && operator == atMost[!left]:
			j.wrong(x.ID(), "%s always from 0 to %s: that holds whatever the trace", what, plain(last))
		}
	}
}

// atMost is the operator that says of what is on its left, else on its right, that it is no
// more than the other side.
var atMost = map[bool]string{true: operators.LessEquals, false: operators.GreaterEquals}

// shares is how many shares an expression is the sum of; 0 where it is none.
func (j *judge) shares(e ast.Expr) int {
	if f := selected(j.tree, e); f != nil {
		return map[bool]int{true: 1}[f.unit == unitShare]
	}
	if e.Kind() != ast.CallKind {
		return 0
	}
	call := e.AsCall()
	if call.FunctionName() == operators.Add {
		if a, b := j.shares(call.Args()[0]), j.shares(call.Args()[1]); a > 0 && b > 0 {
			return a + b
		}
		return 0
	}
	f := functionNamed(call.FunctionName())
	return map[bool]int{true: 1}[f != nil && f.on != nil && f.unit == unitShare]
}

// choices are what an expression may come to where that depends on a condition.
func choices(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Conditional {
		args := e.AsCall().Args()
		return append(choices(args[1]), choices(args[2])...)
	}
	return []ast.Expr{e}
}

// likeOne judges a part or pattern of a text that has to be one of some.
func (j *judge) likeOne(side, with ast.Expr, method string) {
	f := selected(j.tree, side)
	if f == nil || f.values == nil || with.Kind() != ast.LiteralKind {
		return
	}
	if s, ok := with.AsLiteral().(types.String); ok && !slices.ContainsFunc(f.values, func(v string) bool { return compares[method](v, string(s)) }) {
		j.wrong(with.ID(), "%s is one of %s: none of them %s %q", f.name, strings.Join(f.values, ", "), map[string]string{
			"startsWith": "starts with", "endsWith": "ends with", "contains": "contains", "matches": "matches"}[method], string(s))
	}
}

// written is an expression as it was written.
func (j *judge) written(e ast.Expr) string {
	if s, err := cel.ExprToString(e, j.tree.SourceInfo()); err == nil {
		return s
	}
	return selected(j.tree, e).name
}

// shareMeant is what may have been meant with a number that no share can be.
func shareMeant(v float64, with ast.Expr) string {
	// percent(150) was not meant as 1.5 %.
	if v < 0 || v > 100 || with.Kind() == ast.CallKind {
		return fmt.Sprintf(", and never %s", plain(v))
	}
	return fmt.Sprintf(": %s %% is %s or percent(%[1]s)", plain(v), plain(v/100))
}

func plain(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// text judges a text that has to be one of some.
func (j *judge) text(e ast.Expr, what string, values []string) {
	if e.Kind() != ast.LiteralKind || values == nil {
		return
	}
	if s, ok := e.AsLiteral().(types.String); ok && !slices.Contains(values, string(s)) {
		all := ": it is one of "
		if hint := didYouMean(string(s), values); hint != "" {
			all = hint + " It is one of "
		}
		j.wrong(e.ID(), "%s is never %q%s%s", what, string(s), all, strings.Join(values, ", "))
	}
}

// literalNumber is the number that an expression is whatever the trace.
func literalNumber(e ast.Expr) (float64, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Int:
			return float64(v), true
		case types.Uint:
			return float64(v), true
		case types.Double:
			return float64(v), true
		}
	case ast.CallKind:
		args := e.AsCall().Args()
		if len(args) != 1 {
			return 0, false
		}
		v, ok := literalNumber(args[0])
		switch e.AsCall().FunctionName() {
		case operators.Negate:
			return -v, ok
		case "percent":
			return v / 100, ok
		case "double", "int":
			return v, ok
		}
	}
	return 0, false
}

// rankOf is the function that byRank puts in: no policy can name it.
const rankOf = "@rank"

var rankFunction = cel.Function(rankOf, cel.Overload("rank_string_list", []*cel.Type{cel.StringType, cel.ListType(cel.StringType)}, cel.IntType,
	cel.BinaryBinding(func(text, values ref.Val) ref.Val {
		all := values.(traits.Lister)
		for i := types.Int(0); i < all.Size().(types.Int); i++ {
			if all.Get(i).Equal(text) == types.True {
				return i
			}
		}
		return types.Int(-1)
	})))

// byRank has comparisons of ranked texts by order compare ranks: CEL would compare
// letters, for which "critical" is less than "info".
func byRank(tree *ast.AST) {
	next := ast.MaxID(tree)
	fac := ast.NewExprFactory()
	id := func(t *cel.Type) int64 {
		next++
		tree.SetType(next, t)
		return next
	}
	rank := func(e ast.Expr, values []string) ast.Expr {
		var list []ast.Expr
		for _, v := range values {
			list = append(list, fac.NewLiteral(id(cel.StringType), types.String(v)))
		}
		call := fac.NewCall(id(cel.IntType), rankOf, e, fac.NewList(id(cel.ListType(cel.StringType)), list, nil))
		tree.SetReference(call.ID(), ast.NewFunctionReference("rank_string_list"))
		return call
	}
	var comparisons []ast.Expr
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && ordering[e.AsCall().FunctionName()] != "" {
			comparisons = append(comparisons, e)
		}
	}))
	for _, e := range comparisons {
		call := e.AsCall()
		args := call.Args()
		f := selected(tree, args[0])
		if f == nil {
			f = selected(tree, args[1])
		}
		if f == nil || !f.ranked {
			continue
		}
		e.SetKindCase(fac.NewCall(e.ID(), call.FunctionName(), rank(args[0], f.values), rank(args[1], f.values)))
		tree.SetReference(e.ID(), ast.NewFunctionReference(ordering[call.FunctionName()]+"_int64"))
	}
}
