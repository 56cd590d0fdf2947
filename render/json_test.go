package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

const (
	schemaPath        = "../analyze/schema/report.schema.json"
	explainSchemaPath = "../analyze/schema/explain.schema.json"
)

func jsonOf(t *testing.T, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestJSONValidates holds what is written to the documented schema: a full
// report, one of a truncated trace, and one of nothing at all.
func TestJSONValidates(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	empty := &report.Report{Schema: report.Schema, Verdict: report.Verdict{Severity: report.SeverityInfo}}
	full := sample(8, 1000)
	full.Overview = sample(1, 10).Overview // every column is like the next, and the validator is slow
	for name, r := range map[string]*report.Report{"sample": full, "partial": partial(sample(1, 100)), "empty": empty} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(jsonOf(t, r)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExplainJSONValidates does so for explanations: made-up ones, one of nothing,
// and one of a real trace.
func TestExplainJSONValidates(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(explainSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	all := explanations()
	delete(all, "nothing") // without a version
	f, err := os.Open("../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if all["webshop"], err = explain.Explain(context.Background(), f, replay.Options{Name: "webshop"}, explain.Selector{}); err != nil {
		t.Fatal(err)
	}
	all["no instance"].Schema = explain.Schema
	for name, x := range all {
		if value := explainValue(t, x); schema.Validate(value) != nil {
			t.Errorf("%s: %v", name, schema.Validate(value))
		}
	}
	for what, spoil := range map[string]func(*report.Explanation){
		"version": func(x *report.Explanation) { x.Schema = "gmptrace.explain/0" },
		"cause":   func(x *report.Explanation) { x.Slowest[0].Path[0].Cause = "magic" },
		"length":  func(x *report.Explanation) { x.Slowest[0].Duration = -1 },
	} {
		x := sampleExplanation()
		spoil(x)
		if schema.Validate(explainValue(t, x)) == nil {
			t.Errorf("a wrong %s is accepted", what)
		}
	}
}

func explainValue(t *testing.T, x *report.Explanation) any {
	t.Helper()
	var b bytes.Buffer
	if err := ExplainJSON(&b, x); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestSchemaRejects shows that the schema says something: a wrong version, a
// negative length, a share above one and an unknown severity are refused.
func TestSchemaRejects(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*report.Report){
		"version":  func(r *report.Report) { r.Schema = "gmptrace.report/0" },
		"length":   func(r *report.Report) { r.Trace.DurationNS = -1 },
		"share":    func(r *report.Report) { r.Key.Utilisation = 1.5 },
		"severity": func(r *report.Report) { r.Findings[0].Severity = "terrible" },
	} {
		r := sample(1, 10)
		spoil(r)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(jsonOf(t, r)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(value) == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}

// TestSchemaHasEveryField walks the Go side: every JSON field of a Report and
// of an Explanation is in the schema, required and described, and the schema has no other.
func TestSchemaHasEveryField(t *testing.T) {
	hasEveryField(t, schemaPath, reflect.TypeFor[report.Report]())
	hasEveryField(t, explainSchemaPath, reflect.TypeFor[report.Explanation]())
}

func hasEveryField(t *testing.T, path string, root reflect.Type) {
	t.Helper()
	raw, err := os.ReadFile(path)
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
	check := func(typ reflect.Type, in object) {
		fields := jsonFields(typ)
		for name := range fields {
			p, ok := in.Properties[name]
			if !ok {
				t.Errorf("%s.%s is not in the schema", typ.Name(), name)
				continue
			}
			if p["description"] == nil && p["$ref"] == nil {
				t.Errorf("%s.%s has no description", typ.Name(), name)
			}
		}
		for name := range in.Properties {
			if _, ok := fields[name]; !ok {
				t.Errorf("%s.%s is in the schema only", typ.Name(), name)
			}
		}
		if len(in.Required) != len(in.Properties) {
			t.Errorf("%s: %d of %d fields are required", typ.Name(), len(in.Required), len(in.Properties))
		}
	}
	check(root, doc.object)
	for _, typ := range structsIn(root) {
		def, ok := doc.Defs[typ.Name()]
		if !ok {
			t.Errorf("%s is not in the schema", typ.Name())
			continue
		}
		check(typ, def)
	}
}

func jsonFields(typ reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name != "-" {
			fields[name] = typ.Field(i).Type
		}
	}
	return fields
}

// structsIn are the struct types that the JSON form of typ holds, at any depth.
func structsIn(typ reflect.Type) []reflect.Type {
	var list []reflect.Type
	for _, field := range jsonFields(typ) {
		for field.Kind() == reflect.Slice || field.Kind() == reflect.Array {
			field = field.Elem()
		}
		if field.Kind() == reflect.Struct {
			list = append(append(list, field), structsIn(field)...)
		}
	}
	return list
}

// TestJSONStable shows that the same report gives the same bytes, no null but for a machine
// that nobody asked, and that names survive.
func TestJSONStable(t *testing.T) {
	a, b := jsonOf(t, sample(8, 1000)), jsonOf(t, sample(8, 1000))
	if !bytes.Equal(a, b) {
		t.Error("the same report gives different JSON")
	}
	if empty := bytes.Replace(jsonOf(t, &report.Report{}), []byte(`"machine": null`), nil, 1); bytes.Contains(empty, []byte("null")) {
		t.Error("an empty list is null")
	}
	var back report.Report
	if err := json.Unmarshal(a, &back); err != nil {
		t.Fatal(err)
	}
	if back.Findings[3].Title != hostile[0] {
		t.Errorf("a name changed: %q", back.Findings[3].Title)
	}
}

func TestJSONWriteError(t *testing.T) {
	full := errors.New("disk full")
	if err := JSON(failing{full}, sample(1, 10)); !errors.Is(err, full) {
		t.Errorf("error = %v, want it to wrap %v", err, full)
	}
}
