package policy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"gmptrace/analyze/report"
)

// compiler checks the expressions of one policy.
type compiler struct {
	file     *file
	provider *provider
	envs     map[string]*cel.Env // by the scope whose items are called it; "" for none
}

// interruptEvery is after how many steps of a loop an expression looks whether it
// was cancelled.
const interruptEvery = 1000

func newCompiler(f *file) *compiler {
	p := &provider{Provider: types.NewEmptyRegistry(), objects: map[string]*object{}}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(p),
		cel.CrossTypeNumericComparisons(true),
		cel.EnableMacroCallTracking(), // so that expressions can be written out again
		cel.ExpressionNestingDepthLimit(100),
	}
	for _, v := range variables {
		options = append(options, cel.Variable(v.name, v.typ))
	}
	for _, o := range objects() {
		p.objects[o.name] = o
	}
	for _, f := range functions {
		options = append(options, cel.Function(f.name, f.options...))
	}
	options = append(options, rankFunction)
	env, err := cel.NewEnv(options...)
	if err != nil {
		panic("the environment of policies: " + err.Error())
	}
	return &compiler{file: f, provider: p, envs: map[string]*cel.Env{"": env}}
}

// env is the environment in a scope.
func (c *compiler) env(scope string) *cel.Env {
	if c.envs[scope] == nil {
		env, err := c.envs[""].Extend(cel.Variable("it", variable(scope).of.celType()))
		if err != nil {
			panic("the environment of policies: " + err.Error())
		}
		c.envs[scope] = env
	}
	return c.envs[scope]
}

// expression is one that was checked.
type expression struct {
	text    string
	program cel.Program
	parts   []part // whose values explain its result
	asks    asked
	wants   wanted // what the trace must have
}

// part is a part of an expression.
type part struct {
	text    string
	unit    unit
	program cel.Program
	thing   cel.Program // what the part is a field of, where that is looked up by name; nil for any other
}

// compile checks an expression, whose text begins at the index of a scalar's.
// want is its type, nil for any. It returns nil, with errors in the file, for one
// that is wrong.
func (c *compiler) compile(scope string, s scalar, from, to int, want *cel.Type) *expression {
	text := string([]rune(s.text)[from:to])
	at := func(l interface {
		Line() int
		Column() int
	}) place {
		return c.file.placeOf(s, from+offsetIn(text, l.Line(), l.Column()))
	}
	if strings.TrimSpace(text) == "" {
		c.file.wrong(s.at, "an empty expression")
		return nil
	}
	c.provider.missed = nil
	env := c.env(scope)
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			p := c.file.nameAt(at(e.Location))
			if undefined.MatchString(e.Message) && c.file.runeAt(p) == '.' {
				p.column++ // to the field
			}
			c.file.wrong(p, "%s", c.explain(scope, e.Message))
		}
		return nil
	}
	if want != nil && !want.IsExactType(checked.OutputType()) {
		c.file.wrong(c.file.placeOf(s, from), "must be %s, and is %s", typeWord(want), typeWord(checked.OutputType()))
		return nil
	}
	tree := checked.NativeRep()
	ok := true
	wrongValues(tree, func(id int64, format string, args ...any) {
		ok = false
		c.file.wrong(at(tree.SourceInfo().GetStartLocation(id)), format, args...)
	})
	if !ok {
		return nil
	}
	wants := namesIn(tree)
	byRank(tree)
	program, err := env.Program(checked, cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		c.file.wrong(c.file.placeOf(s, from), "%v", err)
		return nil
	}
	return &expression{text: strings.Join(strings.Fields(text), " "), program: program, parts: partsOf(env, tree), asks: askedIn(tree), wants: wants}
}

// offsetIn is the index in a text of a line, counted from 1, and a column, counted
// from 0.
func offsetIn(text string, line, column int) int {
	n, i := 0, 1
	for l := range strings.Lines(text) {
		if i == line {
			break
		}
		n += len([]rune(l))
		i++
	}
	return min(n+max(column, 0), len([]rune(text)))
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '([^']*)'`)
	noFields   = regexp.MustCompile(`^type '(.*)' does not support field selection`)
	syntax     = regexp.MustCompile(`^Syntax error: (?:mismatched input|extraneous input|no viable alternative at input|token recognition error at:) '(.*?)'(?: expecting .*)?$`)
)

// explain puts a complaint of the checker into words, with what may have been
// meant.
func (c *compiler) explain(scope, message string) string {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return c.explainName(scope, strings.TrimPrefix(m[1], "."))
	}
	if m := undefined.FindStringSubmatch(message); m != nil {
		for _, x := range c.provider.missed {
			if x.field == m[1] {
				return fmt.Sprintf("%s has no field %q%s%s", x.object.name, x.field, didYouMean(x.field, fieldNames(x.object)), orAll(x.field, fieldNames(x.object)))
			}
		}
		return fmt.Sprintf("there is no field %q", m[1])
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		return explainOverload(m[1], m[2])
	}
	if m := noFields.FindStringSubmatch(message); m != nil {
		if strings.HasPrefix(m[1], "list(") {
			return "a list has no fields: take one of it, as task(\"name\") does, or write a rule `for:` its items"
		}
		return fmt.Sprintf("a value of type %s has no fields", m[1])
	}
	if m := syntax.FindStringSubmatch(message); m != nil {
		if strings.HasSuffix(m[1], "<EOF>") {
			return "the expression ends too early"
		}
		return fmt.Sprintf("did not expect %q here", m[1])
	}
	return strings.TrimSuffix(message, " (in container '')")
}

func (c *compiler) explainName(scope, name string) string {
	if name == "it" {
		return "there is no `it`: that is the item in a rule with `for:`"
	}
	var names []string
	for _, v := range variables {
		names = append(names, v.name)
	}
	for _, f := range functions {
		names = append(names, f.name)
	}
	if scope != "" {
		for _, f := range variable(scope).of.fields {
			if f.name == name {
				return fmt.Sprintf("there is no %q; did you mean it.%s?", name, name)
			}
			names = append(names, "it."+f.name)
		}
	}
	hint := didYouMean(name, names)
	if hint == "" {
		hint = "; `gmptrace policy list` prints all there is"
	}
	return fmt.Sprintf("there is no %q%s", name, hint)
}

func fieldNames(o *object) []string {
	var names []string
	for _, f := range o.fields {
		names = append(names, f.name)
	}
	return names
}

// orAll lists the names where none is like the one that was written.
func orAll(written string, names []string) string {
	if nearest(written, names) != "" {
		return ""
	}
	return ": it has " + strings.Join(names, ", ")
}

// explainOverload says why an operator or function can't take such values.
func explainOverload(name, args string) string {
	shown := name
	if op, ok := operators.FindReverse(name); ok && op != "" {
		shown = op
	}
	hint := ""
	switch {
	case name == operators.Conditional:
		shown, hint = "? :", ": what is before the colon and behind it must be of one type, as 50.0 and 0.5 are"
	case strings.Contains(args, "duration") && (strings.Contains(args, "int") || strings.Contains(args, "double") || strings.Contains(args, "string")):
		hint = ": write times as ms(20), us(5) or s(1.5); scale(d, 1.2) is a multiple of one, ratio(a, b) their quotient, cause_share(name) the share of a cause"
	case args == "(double, int)", args == "(int, double)":
		hint = ": turn the int into a double, as double(it.count) or 2.0 are"
	case functionNamed(name) != nil:
		hint = fmt.Sprintf(": it takes (%s)", functionNamed(name).args)
	}
	return fmt.Sprintf("%s does not go with %s%s", shown, args, hint)
}

func typeWord(t *cel.Type) string {
	if t.IsExactType(cel.BoolType) {
		return "true or false (a bool)"
	}
	return "a " + typeName(t.String())
}

// selected is the field that an expression takes, nil if it takes none.
func selected(tree *ast.AST, e ast.Expr) *field {
	if e.Kind() != ast.SelectKind {
		return nil
	}
	t := tree.GetType(e.AsSelect().Operand().ID())
	for _, o := range objects() {
		if t != nil && o.name == t.TypeName() {
			return o.byName[e.AsSelect().FieldName()]
		}
	}
	return nil
}

// partsOf are the parts of an expression whose values say why it came to its
// result: the figures that it compares.
func partsOf(env *cel.Env, tree *ast.AST) []part {
	var parts []part
	plan := func(e ast.Expr) (cel.Program, error) {
		return env.PlanProgram(ast.NewCheckedAST(ast.NewAST(e, tree.SourceInfo()), tree.TypeMap(), tree.ReferenceMap()), cel.InterruptCheckFrequency(interruptEvery))
	}
	add := func(e ast.Expr) {
		text, err := cel.ExprToString(e, tree.SourceInfo())
		if err != nil || !plainType(tree.GetType(e.ID())) || slices.ContainsFunc(parts, func(p part) bool { return p.text == text }) {
			return
		}
		program, err := plan(e)
		if err != nil {
			return
		}
		p := part{text: text, program: program}
		if f := selected(tree, e); f != nil {
			p.unit = f.unit
			if of := e.AsSelect().Operand(); of.Kind() == ast.CallKind {
				p.thing, _ = plan(of)
			}
		} else if e.Kind() == ast.CallKind && functionNamed(e.AsCall().FunctionName()) != nil {
			p.unit = functionNamed(e.AsCall().FunctionName()).unit
		}
		parts = append(parts, p)
	}
	var visit func(e ast.Expr)
	visit = func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind, ast.IdentKind:
			add(e)
		case ast.CallKind:
			call := e.AsCall()
			if call.FunctionName() == rankOf {
				visit(call.Args()[0])
				return
			}
			if _, isOperator := operators.FindReverse(call.FunctionName()); !isOperator && !tree.GetType(e.ID()).IsExactType(cel.BoolType) {
				if !constant(e) {
					add(e)
				}
				return
			}
			if call.IsMemberFunction() {
				visit(call.Target())
			}
			for _, a := range call.Args() {
				visit(a)
			}
		}
	}
	visit(tree.Expr())
	return parts
}

func plainType(t *cel.Type) bool {
	return t != nil && slices.ContainsFunc([]*cel.Type{cel.BoolType, cel.IntType, cel.DoubleType, cel.DurationType, cel.StringType},
		func(p *cel.Type) bool { return p.IsExactType(t) })
}

// constant reports whether an expression is the same in every trace.
func constant(e ast.Expr) bool {
	same := true
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) {
		switch x.Kind() {
		case ast.IdentKind, ast.ComprehensionKind:
			same = false
		case ast.CallKind:
			if f := functionNamed(x.AsCall().FunctionName()); f != nil && f.find != nil {
				same = false
			}
		}
	}))
	return same
}

// scene is what an expression is evaluated in: a trace and, in a scope, an item
// of it.
type scene struct {
	vars  map[string]any
	finds map[string]cel.LateBoundFunction
}

func newScene(d *data) *scene {
	s := &scene{vars: map[string]any{}, finds: map[string]cel.LateBoundFunction{}}
	for _, v := range variables {
		s.vars[v.name] = v.get(d)
	}
	for _, f := range functions {
		if f.find != nil {
			find := f.find(d)
			s.finds[f.name] = func(_ string, args ...ref.Val) ref.Val { return find(args...) }
		}
	}
	return s
}

// items are those of a scope.
func (s *scene) items(scope string) []ref.Val { return s.vars[scope].([]ref.Val) }

// with is the scene with an item.
func (s *scene) with(item ref.Val) *scene {
	vars := make(map[string]any, len(s.vars)+1)
	for k, v := range s.vars {
		vars[k] = v
	}
	vars["it"] = item
	return &scene{vars, s.finds}
}

// eval is the value of a program in a scene.
func (s *scene) eval(ctx context.Context, p cel.Program) (ref.Val, error) {
	activation, err := cel.FunctionVars(s.vars, s.finds)
	if err != nil {
		return nil, err
	}
	v, _, err := p.ContextEval(ctx, activation)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return v, err
}

// holds is the value of an expression that is true or false.
func (s *scene) holds(ctx context.Context, e *expression) (bool, error) {
	v, err := s.eval(ctx, e.program)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, errors.New("its value is neither true nor false")
	}
	return bool(b), nil
}

// places are where in the program the first thing is that an expression looks up by
// its name.
func (s *scene) places(ctx context.Context, e *expression) []report.Frame {
	for _, p := range e.parts {
		if p.thing == nil {
			continue
		}
		if v, err := s.eval(ctx, p.thing); err == nil {
			if at := placeIn(v); at != nil {
				return at
			}
		}
	}
	return nil
}

// measured are the values of an expression's parts.
func (s *scene) measured(ctx context.Context, e *expression) []report.Evidence {
	var out []report.Evidence
	for _, p := range e.parts {
		if v, err := s.eval(ctx, p.program); err == nil {
			out = append(out, report.Evidence{Label: strings.TrimPrefix(p.text, "it."), Value: valueText(v, p.unit)})
		}
	}
	return out
}
