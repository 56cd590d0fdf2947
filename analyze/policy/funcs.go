package policy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"gmptrace/analyze/diagnose"
	"gmptrace/analyze/report"
	"gmptrace/analyze/rules"
)

// function is one that expressions can call, beside those of CEL itself.
type function struct {
	name    string
	on      []string // lists, of whose items it is a method; nil for none
	args    string   // as they are listed: "name string"
	result  *cel.Type
	of      *object // what the result is, or is a list of; nil for plain values
	unit    unit
	doc     string
	mayLack bool     // not every trace tells its result
	nameIn  string   // the list in which it looks the last argument up; "" for none
	values  []string // all that a text given as its last argument can be; nil for anything
	options []cel.FunctionOpt
	// find, where set, is the function for one trace: it looks something up.
	find func(*data) func(args ...ref.Val) ref.Val
}

// functions are all of them, in the order in which they are listed.
var functions = []function{
	lookup("func", functionObject, "functions", "full name", nil, func(d *data) []*report.FunctionTime { return d.functions }, func(f *report.FunctionTime) string { return f.Name }),
	lookup("task", taskObject, "tasks", "name", nil, func(d *data) []*span { return d.tasks }, spanName),
	lookup("region", regionObject, "regions", "name", nil, func(d *data) []*span { return d.regions }, spanName),
	lookup("request", requestObject, "requests", "function of the handler", nil, func(d *data) []*span { return d.requests }, spanName),
	lookup("sent_request", sentObject, "sent_requests", "function", nil, func(d *data) []*span { return d.sent }, spanName),
	lookup("source", sourceObject, "", "name", sourceNames, func(d *data) []*source { return d.sources }, func(s *source) string { return s.Source }),
	lookup("handoff", handoffObject, "", "cause", causeNames, func(d *data) []*handoff { return d.handoffs }, func(h *handoff) string { return h.Cause }),
	lookup("preemption", preemptionObject, "", "how", howNames, func(d *data) []*preemption { return d.preemptions }, func(p *preemption) string { return p.How }),
	lookup("gmp_rule", gmpRuleObject, "", "id", rules.IDs(), func(d *data) []*report.Rule { return d.gmpRules }, func(r *report.Rule) string { return r.ID }),
	lookup("check", checkObject, "", "id", diagnose.CheckIDs(), func(d *data) []*report.Check { return d.checks }, func(c *report.Check) string { return c.ID }),
	findingsOf(),
	causeOf("cause", cel.DurationType, unitTime, "mean time that one lost to that, for whatever it waited meanwhile", func(lost, of, count int64) ref.Val {
		return types.Duration{Duration: time.Duration(lost / max(1, count))}
	}),
	causeOf("cause_share", cel.DoubleType, unitShare, "of their time: lost to that", func(lost, of, count int64) ref.Val { return types.Double(share(lost, of)) }),
	atLeast(),
	lengthOf("ns", time.Nanosecond, "nanoseconds"),
	lengthOf("us", time.Microsecond, "microseconds"),
	lengthOf("ms", time.Millisecond, "milliseconds"),
	lengthOf("s", time.Second, "seconds"),
	percent(),
	scale(),
	ratio(),
	sum(),
}

func spanName(s *span) string { return s.Name }

// lookup is a function that finds one of a list by its name. That there is none
// is an error, which a rule can't take for good news. scope is the list where names are
// the program's own, and "" where they are among values.
func lookup[E any](name string, o *object, scope, arg string, values []string, all func(*data) []*E, key func(*E) string) function {
	doc := "the one of that " + arg + "; where the trace has none, the rule fails, unless its if_none says otherwise"
	if values != nil {
		doc = "the one of that " + arg
	}
	return function{
		name: name, args: arg + " string", result: o.celType(), of: o, values: values, nameIn: scope, doc: doc,
		options: []cel.FunctionOpt{cel.Overload(name+"_string", []*cel.Type{cel.StringType}, o.celType(), cel.LateFunctionBinding())},
		find: func(d *data) func(...ref.Val) ref.Val {
			return func(args ...ref.Val) ref.Val {
				return lookUp(o, cmp.Or(scope, strings.ToLower(o.name)+"s"), string(args[0].(types.String)), all(d), key)
			}
		},
	}
}

func findingsOf() function {
	result := cel.ListType(findingObject.celType())
	return function{
		name: "findings_of", args: "check string", result: result, of: findingObject, values: diagnose.CheckIDs(),
		doc:     "the findings of one check",
		options: []cel.FunctionOpt{cel.Overload("findings_of_string", []*cel.Type{cel.StringType}, result, cel.LateFunctionBinding())},
		find: func(d *data) func(...ref.Val) ref.Val {
			return func(args ...ref.Val) ref.Val {
				found := []ref.Val{}
				for _, f := range d.findings {
					if f.ID == string(args[0].(types.String)) {
						found = append(found, &value{findingObject, f})
					}
				}
				return types.DefaultTypeAdapter.NativeToValue(found)
			}
		},
	}
}

func atLeast() function {
	return function{
		name: "at_least", args: "severity string, other string", result: cel.BoolType, values: severityNames,
		doc: "the first severity is as bad as the other, or worse",
		options: []cel.FunctionOpt{cel.Overload("at_least_string_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return types.Bool(report.Severity(a.(types.String)).AtLeast(report.Severity(b.(types.String))))
			}))},
	}
}

// asFloat is a number of either type.
func asFloat(v ref.Val) float64 {
	if i, ok := v.(types.Int); ok {
		return float64(i)
	}
	return float64(v.(types.Double))
}

// asDuration is a duration of so many ns, or the error that no duration is that long.
func asDuration(ns float64) ref.Val {
	if math.IsNaN(ns) || math.Abs(ns) >= math.MaxInt64 {
		return types.NewErr("a duration of %g ns is out of range: 292 years are the most", ns)
	}
	return types.Duration{Duration: time.Duration(math.Round(ns))}
}

func lengthOf(name string, u time.Duration, words string) function {
	of := func(v ref.Val) ref.Val { return asDuration(asFloat(v) * float64(u)) }
	return function{
		name: name, args: "n int or double", result: cel.DurationType, unit: unitTime, doc: "a length of n " + words,
		options: []cel.FunctionOpt{
			cel.Overload(name+"_int", []*cel.Type{cel.IntType}, cel.DurationType, cel.UnaryBinding(of)),
			cel.Overload(name+"_double", []*cel.Type{cel.DoubleType}, cel.DurationType, cel.UnaryBinding(of)),
		},
	}
}

func percent() function {
	of := func(v ref.Val) ref.Val { return types.Double(asFloat(v) / 100) }
	return function{
		name: "percent", args: "n int or double", result: cel.DoubleType, unit: unitShare, doc: "n hundredths: percent(5) is 0.05",
		options: []cel.FunctionOpt{
			cel.Overload("percent_int", []*cel.Type{cel.IntType}, cel.DoubleType, cel.UnaryBinding(of)),
			cel.Overload("percent_double", []*cel.Type{cel.DoubleType}, cel.DoubleType, cel.UnaryBinding(of)),
		},
	}
}

func scale() function {
	of := func(d, by ref.Val) ref.Val { return asDuration(float64(d.(types.Duration).Duration) * asFloat(by)) }
	return function{
		name: "scale", args: "d duration, by int or double", result: cel.DurationType, unit: unitTime, doc: "d times by",
		options: []cel.FunctionOpt{
			cel.Overload("scale_duration_int", []*cel.Type{cel.DurationType, cel.IntType}, cel.DurationType, cel.BinaryBinding(of)),
			cel.Overload("scale_duration_double", []*cel.Type{cel.DurationType, cel.DoubleType}, cel.DurationType, cel.BinaryBinding(of)),
		},
	}
}

func ratio() function {
	ofTimes := func(a, b ref.Val) ref.Val {
		return types.Double(share(int64(a.(types.Duration).Duration), int64(b.(types.Duration).Duration)))
	}
	ofNumbers := func(a, b ref.Val) ref.Val { return types.Double(share(asFloat(a), asFloat(b))) }
	f := function{
		name: "ratio", args: "a, b both duration, or int or double", result: cel.DoubleType,
		doc: "a divided by b; 0 where b is 0",
		options: []cel.FunctionOpt{cel.Overload("ratio_duration_duration", []*cel.Type{cel.DurationType, cel.DurationType}, cel.DoubleType,
			cel.BinaryBinding(ofTimes))},
	}
	for _, a := range []*cel.Type{cel.IntType, cel.DoubleType} {
		for _, b := range []*cel.Type{cel.IntType, cel.DoubleType} {
			f.options = append(f.options, cel.Overload(fmt.Sprintf("ratio_%v_%v", a, b), []*cel.Type{a, b}, cel.DoubleType, cel.BinaryBinding(ofNumbers)))
		}
	}
	return f
}

func sum() function {
	f := function{
		name: "sum", args: "list of duration, int or double", result: cel.DynType,
		doc: "all of them together, such as sum(functions.map(f, f.runnable)); 0 for none",
	}
	for _, x := range []struct {
		typ  *cel.Type
		zero ref.Val
	}{{cel.DurationType, types.Duration{}}, {cel.IntType, types.Int(0)}, {cel.DoubleType, types.Double(0)}} {
		f.options = append(f.options, cel.Overload(fmt.Sprintf("sum_list_%v", x.typ), []*cel.Type{cel.ListType(x.typ)}, x.typ,
			cel.UnaryBinding(func(all ref.Val) ref.Val {
				total := x.zero
				for it := all.(traits.Lister).Iterator(); it.HasNext() == types.True; {
					total = total.(traits.Adder).Add(it.Next())
				}
				return total
			})))
	}
	return f
}

// functionNamed is the one of that name, nil if there is none.
func functionNamed(name string) *function {
	i := slices.IndexFunc(functions, func(f function) bool { return f.name == name })
	if i < 0 {
		return nil
	}
	return &functions[i]
}
