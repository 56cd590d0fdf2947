package render

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gmptrace/analyze/whatif"
)

// predictions are some with hostile names wherever a trace can put one.
func predictions() *whatif.Result {
	variant := func(name, scheduler string, procs int) whatif.Variant {
		v := whatif.Variant{Name: name, Scheduler: scheduler, Procs: procs, Makespan: 20 * ms, Low: 19 * ms, High: 22 * ms, Confidence: whatif.ConfidenceFair, Doubts: []string{"a doubt"}, Speedup: 1.5, Rate: 1e6,
			Waits: 100, P50: 800, P90: 3000, P99: 20_000, P99Low: 18_000, P99High: 25_000, Max: 90_000, QueueMean: 2.5, QueuePeak: 30, Utilisation: .8,
			Idle: 3 * ms, LockWait: 70_000, Steals: 10, Width: ms, Running: []float64{2, 1.5, 0}, Waiting: []float64{0, 12, 3}}
		for i := range 35 {
			v.Curve = append(v.Curve, int64(100+i*i*70))
		}
		return v
	}
	x := &whatif.Result{Schema: whatif.Schema, Version: "test", Trace: sample(2, 10).Trace, Headline: "It would be faster. " + hostile[0], Detail: hostile[5],
		Check:    whatif.SelfCheck{Confidence: whatif.ConfidenceGood, Makespan: -.02, P50: .1, P99: -.1, Text: "much the same"},
		Recorded: variant("recorded", "gmp", 2),
		Variants: []whatif.Variant{variant("gmp, GOMAXPROCS 2", "gmp", 2), variant(hostile[2], "global-queue", 2)},
		Advice:   []whatif.Suggestion{{Variant: "gmp", Gain: .2, Least: .1, Confidence: whatif.ConfidenceGood, Text: "try it"}},
		Workload: whatif.WorkloadSums{Goroutines: 12, Steps: 400, Edges: 100},
		Costs:    []whatif.CostApplied{{Name: "switch", P50: 200, P99: 400, Mean: 210, Source: "measured"}},
		Notes:    []string{hostile[3]}}
	for _, s := range []string{"gmp", "global-queue", "thread-queue"} {
		for p := 1; p <= 128; p *= 2 {
			x.Scaling = append(x.Scaling, whatif.ScalePoint{Scheduler: s, Procs: p, Makespan: 40 * ms / int64(p), Low: 38 * ms / int64(p), High: 44 * ms / int64(p), LockCost: 60, LockFrom: "default"})
		}
	}
	x.Laws = &whatif.Laws{Work: 30 * ms, Span: ms, Computed: ms / 2, Parallelism: 30, Text: []string{"Work: much. " + hostile[1], "Span: some."}}
	for p := int64(1); p <= 128; p *= 2 {
		x.Laws.Bounds = append(x.Laws.Bounds, whatif.Bound{Procs: int(p), Least: max(ms, 30*ms/p), Most: ms + 60*ms/p})
	}
	shift := whatif.Shift{Recorded: 10 * ms, Before: 11 * ms, After: 8 * ms, Change: -.27, Low: -.3, High: -.2, Agreed: true, Known: true}
	for _, kind := range []whatif.ChangeKind{whatif.ChangeFunction, whatif.ChangeLock, whatif.ChangeSyscall, whatif.ChangeGC} {
		x.Changes = append(x.Changes, whatif.Changed{Kind: kind, About: kind, Name: hostile[1], By: .2, Time: 3 * ms, Share: .3, Run: shift, Confidence: whatif.ConfidenceFair, Doubt: "a doubt", Text: hostile[2],
			Of: []whatif.Effect{{Kind: "request", Name: "/" + hostile[0], Count: 400, P50: shift, P90: shift, P99: shift}, {Kind: "task", Name: hostile[3], Count: 2, P50: shift}}})
	}
	x.Locks = &whatif.Locks{Waits: 7, Time: 4 * ms, Text: "Goroutines waited for locks. " + hostile[0]}
	x.Deadlines = &whatif.Deadlines{Waits: 3, Of: []whatif.Deadlined{{Kind: "request", Name: hostile[1], Count: 400, Ended: 2}}, Text: hostile[2]}
	for _, v := range []*whatif.Variant{&x.Recorded, &x.Variants[0], &x.Variants[1]} {
		v.Of = []whatif.Lengths{{Kind: "request", Name: "/" + hostile[0], Count: 400, P50: whatif.Length{NS: 3 * ms, Low: 2 * ms, High: 4 * ms, Known: true}}}
	}
	x.Trace.Name = hostile[4]
	return x
}

const whatIfSchemaPath = "../analyze/schema/whatif.schema.json"

// TestWhatIfValidates holds predictions to their schema, also those of nothing.
func TestWhatIfValidates(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(whatIfSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]*whatif.Result{
		"some": predictions(),
		"none": {Schema: whatif.Schema, Check: whatif.SelfCheck{Confidence: whatif.ConfidenceNone}, Recorded: whatif.Variant{Confidence: whatif.ConfidenceNone}},
	} {
		var b bytes.Buffer
		if err := WhatIfJSON(&b, x); err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := predictions()
	bad.Check.Confidence = "certain"
	var b bytes.Buffer
	if err := WhatIfJSON(&b, bad); err != nil {
		t.Fatal(err)
	}
	if value, err := jsonschema.UnmarshalJSON(&b); err != nil || schema.Validate(value) == nil {
		t.Error("a wrong confidence is accepted")
	}
}

// TestWhatIfSchemaHasEveryField walks the Go side.
func TestWhatIfSchemaHasEveryField(t *testing.T) {
	raw, err := os.ReadFile(whatIfSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Required   []string                  `json:"required"`
		Properties map[string]map[string]any `json:"properties"`
	}
	var doc struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	root := reflect.TypeFor[whatif.Result]()
	doc.Defs[root.Name()] = doc.object
	for _, typ := range append(structsIn(root), root) {
		def := doc.Defs[typ.Name()]
		fields := jsonFields(typ)
		for name := range fields {
			if p := def.Properties[name]; p["description"] == nil && p["$ref"] == nil {
				t.Errorf("%s.%s is not described in the schema", typ.Name(), name)
			}
		}
		if len(fields) != len(def.Properties) || len(fields) != len(def.Required) {
			t.Errorf("%s: %d fields, %d in the schema, %d required", typ.Name(), len(fields), len(def.Properties), len(def.Required))
		}
	}
}

// TestWhatIfShowsSafely: whatever a trace names can do nothing in a terminal or a
// page, the same predictions give the same bytes, and every output has the
// self-check.
func TestWhatIfShowsSafely(t *testing.T) {
	var texts, pages [2]bytes.Buffer
	for i := range 2 {
		if err := WhatIfText(&texts[i], predictions(), TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := WhatIfHTML(&pages[i], predictions()); err != nil {
			t.Fatal(err)
		}
	}
	if texts[0].String() != texts[1].String() || pages[0].String() != pages[1].String() {
		t.Error("the same predictions give different bytes")
	}
	if strings.ContainsAny(texts[0].String(), "\x1b\x07\r") {
		t.Error("the text has control characters")
	}
	page := pages[0].String()
	for _, bad := range []string{"<script", "<img", "<svg onload", "ZgotmplZ", "NaN"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, out := range []string{texts[0].String(), page} {
		if !strings.Contains(out, "Self-check: good.") {
			t.Error("an output has no self-check")
		}
		if !strings.Contains(out, "What to make faster first") || !strings.Contains(out, "-27.0") {
			t.Error("an output does not tell what to make faster")
		}
		if !strings.Contains(out, "Not surer: a doubt.") {
			t.Error("an output does not say why predictions are not surer")
		}
		if !strings.Contains(out, "Goroutines waited for locks.") {
			t.Error("an output does not say what bounds locks set")
		}
		if !strings.Contains(out, "3.00") {
			t.Error("an output does not say how long requests take")
		}
	}
}
