package policy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"github.com/goccy/go-yaml/ast"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Kind is CheckResult.Kind of the rules of a policy.
const Kind = "policy"

// Version is the version of policies that this package reads: their key version.
const Version = "1"

// Policy is rules that traces are held to.
type Policy struct {
	File        string
	Description string
	rules       []*rule
}

// rule is one of a policy.
type rule struct {
	name, description string
	at                place
	severity          report.CheckSeverity
	scope             string        // "" for the trace as a whole
	where             *expression   // nil for all items of the scope
	expr              *expression   // true where the rule holds
	skips             []*expression // of the policy and the rule: the trace is not fit if one is true
	message           []messagePart // empty for one made from what was measured
	ifNone            report.CheckStatus
	ifNoneGiven       bool
	ifUndecided       report.CheckStatus // "" for what ifOpen says
}

// messagePart is a text or, where it has one, the value of an expression.
type messagePart struct {
	text string
	expr *expression
	unit unit
}

// Load reads a policy. What is wrong with it is Errors: every error, each with its
// place.
func Load(name string, text []byte) (*Policy, error) {
	f := newFile(name, text)
	p := &Policy{File: name}
	if root := f.parse(text); root != nil {
		(&loader{compiler: newCompiler(f), policy: p}).policyOf(root)
	}
	if len(f.errors) > 0 {
		return nil, f.errors.sorted()
	}
	return p, nil
}

// Rules is the number of rules.
func (p *Policy) Rules() int { return len(p.rules) }

// Spans reports whether Check needs Report.Spans, the times of tasks, regions and requests: a
// trace may have so many names of those that what is kept of each takes more than all else.
func (p *Policy) Spans() bool { return slices.ContainsFunc(p.rules, (*rule).spans) }

type loader struct {
	*compiler
	policy *Policy
}

var (
	policyKeys = []string{"version", "description", "skip_if", "rules"}
	ruleKeys   = []string{"name", "description", "expr", "severity", "message", "for", "where", "if_none", "if_undecided", "skip_if"}
)

func (l *loader) policyOf(root ast.Node) {
	entries := l.file.entries(root, "a policy", policyKeys)
	var skips []*expression
	var rules ast.Node
	version := false
	for _, e := range entries {
		switch e.key {
		case "version":
			version = true
			if s := l.file.scalar(e); s.set && s.text != Version {
				l.file.wrong(s.at, "version %s of policies is not known here: this gmptrace reads version %s", s.text, Version)
			}
		case "description":
			l.policy.Description = strings.TrimSpace(l.file.scalar(e).text)
		case "skip_if":
			skips = append(skips, l.whole("", l.file.scalar(e), cel.BoolType))
		case "rules":
			rules = e.value
			if rules == nil || rules.Type() == ast.NullType {
				l.file.wrong(e.at, "rules has no rules in it")
				rules = nil
			}
		}
	}
	if entries != nil && !version {
		l.file.wrong(start(root), "a policy must say `version: %s`, so that a later gmptrace knows how to read it", Version)
	}
	if rules == nil {
		if len(l.file.errors) == 0 && !slices.ContainsFunc(entries, func(e pair) bool { return e.key == "rules" }) {
			l.file.wrong(start(root), "a policy must have `rules:`, a list")
		}
		return
	}
	list, ok := rules.(*ast.SequenceNode)
	if !ok {
		l.file.wrong(start(rules), "rules must be a list: each rule begins with `- name:`")
		return
	}
	if len(list.Values) == 0 {
		l.file.wrong(start(list), "rules has no rules in it")
	}
	for _, n := range list.Values {
		l.rule(n, skips)
	}
}

// whole compiles all of a scalar, nil if there is none.
func (l *loader) whole(scope string, s scalar, want *cel.Type) *expression {
	if !s.set {
		return nil
	}
	return l.compile(scope, s, 0, len([]rune(s.text)), want)
}

// ruleName is what rules may be called: names are ids in every output, and must
// stay the same.
var ruleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$`)

func (l *loader) rule(n ast.Node, skips []*expression) {
	r := &rule{at: start(n), severity: report.CheckSeverityError, skips: slices.Clone(skips)}
	entries := l.file.entries(n, "a rule", ruleKeys)
	if entries == nil {
		return
	}
	given := map[string]scalar{}
	for _, e := range entries {
		given[e.key] = l.file.scalar(e)
	}
	l.name(r, given)
	l.scope(r, given)
	if s := given["severity"]; s.set {
		r.severity = report.CheckSeverity(s.text)
		if all := []string{string(report.CheckSeverityWarning), string(report.CheckSeverityError)}; !slices.Contains(all, s.text) {
			l.file.wrong(s.at, "severity is warning or error, not %q%s", s.text, didYouMean(s.text, all))
		}
	}
	r.description = strings.TrimSpace(given["description"].text)
	if _, ok := given["expr"]; !ok {
		l.file.wrong(r.at, "a rule must have `expr:`, which is true where the rule holds")
	}
	r.expr = l.whole(r.scope, given["expr"], cel.BoolType)
	r.where = l.whole(r.scope, given["where"], cel.BoolType)
	if s := given["skip_if"]; s.set {
		r.skips = append(r.skips, l.whole("", s, cel.BoolType))
	}
	if s := given["message"]; s.set {
		l.message(r, s)
	}
	l.ifNone(r, given["if_none"], given["for"].set)
	l.undecided(r, given["if_undecided"])
	l.policy.rules = append(l.policy.rules, r)
}

func (l *loader) name(r *rule, given map[string]scalar) {
	s, ok := given["name"]
	switch {
	case !ok:
		l.file.wrong(r.at, "a rule must have `name:`")
	case s.set && !ruleName.MatchString(s.text):
		l.file.wrong(s.at, "%q can't name a rule: names are at most 100 letters, digits and . _ - / without spaces, and begin with a letter or digit", s.text)
	}
	for _, other := range l.policy.rules {
		if s.text != "" && other.name == s.text {
			l.file.wrong(s.at, "a second rule named %q: the first is in line %d", s.text, other.at.line)
		}
	}
	r.name = s.text
}

// scope reads for, and where's presence.
func (l *loader) scope(r *rule, given map[string]scalar) {
	if s := given["for"]; s.set {
		if slices.Contains(scopes(), s.text) {
			r.scope = s.text
		} else {
			l.file.wrong(s.at, "a rule can't be for %q%s%s", s.text, didYouMean(s.text, scopes()), orOneOf(s.text, scopes()))
			r.scope = nearest(s.text, scopes()) // so that its expressions are not wrong as well
		}
	}
	if s := given["where"]; s.set && r.scope == "" && !given["for"].set {
		l.file.wrong(s.at, "where is for rules with `for:`")
	}
	r.ifNone = report.CheckSkip
	if r.scope == "findings" {
		r.ifNone = report.CheckPass // no finding is what one hopes for
	}
}

// ifNone reads if_none, which is for rules that there may be nothing for.
func (l *loader) ifNone(r *rule, s scalar, scoped bool) {
	if !s.set {
		return
	}
	if e := r.expr; e != nil && !scoped && len(e.wants.named) == 0 && len(e.wants.implied) == 0 && !e.wants.looksUp {
		l.file.wrong(s.at, "if_none is for rules with `for:`, or that name a function, task, region or request")
		return
	}
	r.ifNone, r.ifNoneGiven = l.outcome("if_none", s), true
}

// outcome reads what becomes of a rule in a case that key names.
func (l *loader) outcome(key string, s scalar) report.CheckStatus {
	all := []string{string(report.CheckPass), string(report.CheckSkip), string(report.CheckFail)}
	if !slices.Contains(all, s.text) {
		l.file.wrong(s.at, "%s is pass, skip or fail, not %q%s", key, s.text, didYouMean(s.text, all))
	}
	return report.CheckStatus(s.text)
}

// undecided reads if_undecided, which is for rules that ask what checks found.
func (l *loader) undecided(r *rule, s scalar) {
	if !s.set {
		return
	}
	r.ifUndecided = l.outcome("if_undecided", s)
	if a := r.asks(); r.expr != nil && len(a.checks) == 0 && !a.all && !a.lack {
		l.file.wrong(s.at, "if_undecided is for rules that ask what checks found, or for what not every trace tells")
	}
}

// message reads a message, in which {{…}} stands for the value of an expression.
func (l *loader) message(r *rule, s scalar) {
	rest, at := []rune(s.text), 0
	for {
		open := index(rest[at:], "{{")
		if open < 0 {
			r.message = append(r.message, messagePart{text: string(rest[at:])})
			return
		}
		r.message = append(r.message, messagePart{text: string(rest[at : at+open])})
		from := at + open + 2
		size := index(rest[from:], "}}")
		if size < 0 {
			l.file.wrong(l.file.placeOf(s, at+open), "{{ without }}")
			return
		}
		if e := l.compile(r.scope, s, from, from+size, nil); e != nil {
			m := messagePart{expr: e}
			if len(e.parts) == 1 && e.parts[0].text == e.text {
				m.unit = e.parts[0].unit
			}
			r.message = append(r.message, m)
		}
		at = from + size + 2
	}
}

// index is strings.Index in characters.
func index(s []rune, of string) int {
	i := strings.Index(string(s), of)
	if i < 0 {
		return -1
	}
	return len([]rune(string(s)[:i]))
}

// Check holds the trace that rep is of to every rule, in their order. rep must have
// been made with Options.Spans where Spans says so. The error is that of ctx.
func (p *Policy) Check(ctx context.Context, rep *report.Report) ([]report.CheckResult, error) {
	s := newScene(newData(rep))
	var results []report.CheckResult
	for _, r := range p.rules {
		res := report.CheckResult{Kind: Kind, ID: r.name, Description: r.description, Expected: r.expected(), File: p.File,
			Line: r.at.line, Column: r.at.column, Severity: r.severity}
		err := r.check(ctx, s, &res)
		r.settle(rep.Checks, &res)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			res.Status, res.Message = report.CheckError, "could not be evaluated: "+err.Error()
		}
		results = append(results, res)
	}
	return results, nil
}

// expected is the rule in one line.
func (r *rule) expected() string {
	switch {
	case r.scope == "":
		return r.expr.text
	case r.where == nil:
		return "for all " + r.scope + ": " + r.expr.text
	}
	return "for " + r.scope + " where " + r.where.text + ": " + r.expr.text
}

func (r *rule) check(ctx context.Context, s *scene, res *report.CheckResult) error {
	for _, e := range r.skips {
		skip, err := s.holds(ctx, e)
		if err != nil {
			return fmt.Errorf("skip_if: %w", err)
		}
		if skip {
			res.Status, res.Measured = report.CheckSkip, s.measured(ctx, e)
			res.Message = "the trace is not fit for it: " + e.text
			return nil
		}
	}
	if missing := r.missing(s); len(missing) > 0 {
		r.withoutThem(res, missing)
		return nil
	}
	hold := r.each
	if r.scope == "" {
		hold = r.whole
	}
	err := hold(ctx, s, res)
	if missing := (*absentError)(nil); errors.As(err, &missing) {
		r.withoutThem(res, []error{missing})
		return nil
	}
	if open := asOpen(err); open != nil {
		r.leaveOpen(res, open)
		return nil
	}
	return err
}

// whole holds the trace as a whole to the rule.
func (r *rule) whole(ctx context.Context, s *scene, res *report.CheckResult) error {
	res.Items = 1
	ok, err := s.holds(ctx, r.expr)
	if err != nil {
		return err
	}
	res.Status, res.Measured = report.CheckPass, s.measured(ctx, r.expr)
	if ok {
		return nil
	}
	f := report.CheckFailure{Details: res.Measured, At: s.places(ctx, r.expr)}
	if f.Message, err = r.says(ctx, s, "", f.Details); err != nil {
		return err
	}
	res.Status, res.Message, res.Failures = report.CheckFail, f.Message, []report.CheckFailure{f}
	return nil
}

// each holds every item of the rule's scope to it.
func (r *rule) each(ctx context.Context, s *scene, res *report.CheckResult) error {
	var failed, open []string
	var why *openError
	for _, item := range s.items(r.scope) {
		with := s.with(item)
		name := valueText(item, noUnit)
		if r.where != nil {
			in, err := with.holds(ctx, r.where)
			if e := asOpen(err); e != nil {
				why, open = e, append(open, name)
				res.Items++
				continue
			}
			if err != nil {
				return fmt.Errorf("where, of %s: %w", name, err)
			}
			if !in {
				continue
			}
		}
		res.Items++
		ok, err := with.holds(ctx, r.expr)
		if e := asOpen(err); e != nil {
			why, open = e, append(open, name)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if ok {
			continue
		}
		failed = append(failed, name)
		if len(res.Failures) == report.MaxCheckFailures {
			res.FailuresLeft++
			continue
		}
		f := report.CheckFailure{Item: name, Key: keyOf(item), Details: with.measured(ctx, r.expr), At: placeIn(item)}
		if f.Message, err = r.says(ctx, with, name, f.Details); err != nil {
			return fmt.Errorf("message, of %s: %w", name, err)
		}
		if x := findingIn(item); x != nil {
			f.Details = append(f.Details, findingDetails(x)...)
			if len(r.message) == 0 {
				f.Message = x.Title // which says more than the rule
			}
		}
		res.Failures = append(res.Failures, f)
	}
	r.sumUp(res, failed)
	if kind := subjects[r.scope]; kind != "" && len(failed) > 0 {
		res.Subject = &report.CheckSubject{Kind: kind, Name: res.Failures[0].Item}
	}
	r.settleItems(res, open, why)
	return nil
}

// subjects are the kinds by which items of a scope can be explained.
var subjects = map[string]report.InstanceKind{"requests": report.KindRequest, "tasks": report.KindTask, "regions": report.KindRegion, "functions": report.KindGoroutine}

// sumUp sets the status of a rule with a scope, and says what it comes to.
func (r *rule) sumUp(res *report.CheckResult, failed []string) {
	switch {
	case res.Items == 0:
		res.Status, res.Message = r.ifNone, "the trace has no "+strings.ReplaceAll(r.scope, "_", " ")
		if r.where != nil {
			res.Message += " where " + r.where.text
		}
		if r.ifNone == report.CheckFail {
			res.Failures = []report.CheckFailure{{Message: res.Message}}
		}
	case len(failed) == 0:
		res.Status = report.CheckPass
		res.Message = things(res.Items, r.scope)
	case len(failed) == 1 && len(res.Failures) == 1:
		res.Status, res.Message = report.CheckFail, res.Failures[0].Message
	default:
		res.Status = report.CheckFail
		res.Message = fmt.Sprintf("%s of %s: %s", words.Count(len(failed)), things(res.Items, r.scope), strings.Join(failed[:min(3, len(failed))], "; "))
		if len(failed) > 3 {
			res.Message += " …"
		}
	}
}

// says is the message on a failure.
func (r *rule) says(ctx context.Context, s *scene, item string, details []report.Evidence) (string, error) {
	if len(r.message) == 0 {
		return madeMessage(r.expr.text, item, details), nil
	}
	var b strings.Builder
	for _, m := range r.message {
		if m.expr == nil {
			b.WriteString(m.text)
			continue
		}
		v, err := s.eval(ctx, m.expr.program)
		if err != nil {
			return "", fmt.Errorf("{{%s}}: %w", m.expr.text, err)
		}
		b.WriteString(valueText(v, m.unit))
	}
	return strings.Join(strings.Fields(b.String()), " "), nil
}

// madeMessage is one for rules that have none of their own.
func madeMessage(expected, item string, details []report.Evidence) string {
	var parts []string
	for _, d := range details {
		if d.Label != "name" || item == "" { // it is what the message begins with
			parts = append(parts, d.Label+" is "+d.Value)
		}
	}
	s := strings.Join(parts, ", ")
	if s != "" {
		s += ", and "
	}
	s += "the rule wants " + expected
	if item != "" {
		s = item + ": " + s
	}
	return s
}

// findingIn is the finding that an item is, nil for any other item.
func findingIn(item ref.Val) *report.Finding {
	if v, ok := item.(*value); ok {
		if f, ok := v.of.(*report.Finding); ok {
			return f
		}
	}
	return nil
}

// findingDetails is what a finding has to say.
func findingDetails(f *report.Finding) []report.Evidence {
	var out []report.Evidence
	if f.CostNS > 0 {
		out = append(out, report.Evidence{Label: "cost", Value: words.Length(f.CostNS) + " " + f.CostOf})
	}
	for _, e := range []report.Evidence{{Label: "what", Value: f.What}, {Label: "why", Value: f.Why}} {
		if e.Value != "" {
			out = append(out, e)
		}
	}
	out = append(out, f.Evidence...)
	if f.Advice != "" {
		out = append(out, report.Evidence{Label: "to do", Value: f.Advice})
	}
	return out
}

// keyOf is what an item is called in every trace: a finding's title has times in
// it, so that it goes by its check and the function at fault.
func keyOf(item ref.Val) string {
	f := findingIn(item)
	if f == nil {
		return words.Machine(valueText(item, noUnit))
	}
	return strings.TrimSpace(f.ID + " " + names.OwnFrame(framesOf(f)).Func)
}

// placeIn is where in the program an item is: a function, where a task begins,
// the stack of a finding.
func placeIn(item ref.Val) []report.Frame {
	v, ok := item.(*value)
	if !ok {
		return nil
	}
	switch of := v.of.(type) {
	case *report.FunctionTime:
		return oneFrame(of.At)
	case *span:
		return oneFrame(of.At)
	case *report.Finding:
		return framesOf(of)
	}
	return nil
}

// framesOf is the first stack of a finding.
func framesOf(f *report.Finding) []report.Frame {
	for _, s := range f.Stacks {
		if len(s.Frames) > 0 {
			return s.Frames
		}
	}
	return nil
}

func oneFrame(f report.Frame) []report.Frame {
	if f.Func == "" {
		return nil
	}
	return []report.Frame{f}
}
