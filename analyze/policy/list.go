package policy

import (
	_ "embed"
	"strings"
)

// Starter is a policy to start from, with comments.
//
//go:embed starter.yaml
var Starter []byte

// Entry is something that expressions can name.
type Entry struct {
	Name   string   `json:"name"`   // latency.p99, it.wait_p99 of functions as functions[].wait_p99, ms(n int or double)
	Kind   string   `json:"kind"`   // object, field, list or function
	Type   string   `json:"type"`   // CEL's
	Unit   string   `json:"unit"`   // duration, share, count, per second; "" for what has none
	Doc    string   `json:"doc"`    // what it means
	Values []string `json:"values"` // all that a text can be; empty for anything
}

// List are all variables and functions, made from the tables that the environment
// is made from.
func List() []Entry {
	var out []Entry
	for _, v := range variables {
		e := Entry{Name: v.name, Kind: "object", Type: v.of.name, Doc: v.of.doc, Values: []string{}}
		prefix := v.name + "."
		if v.get != nil && strings.HasPrefix(v.typ.String(), "list(") {
			e.Kind, e.Type, prefix = "list", v.typ.String(), v.name+"[]."
		}
		out = append(out, e)
		out = append(out, fieldEntries(prefix, v.of)...)
	}
	for _, f := range functions {
		typ := typeName(f.result.String())
		e := Entry{Name: f.name + "(" + f.args + ")", Kind: "function", Type: typ, Unit: string(f.unit), Doc: f.doc, Values: texts(f.values)}
		if f.on == nil {
			out = append(out, e)
		}
		for _, list := range f.on {
			e.Name = list + "[]." + f.name + "(" + f.args + ")"
			out = append(out, e)
		}
	}
	return out
}

// fieldEntries are the fields of an object, and of those that are in it.
func fieldEntries(prefix string, o *object) (out []Entry) {
	for _, f := range o.fields {
		out = append(out, Entry{Name: prefix + f.name, Kind: "field", Type: typeName(f.typ.String()), Unit: string(f.unit), Doc: f.doc, Values: texts(f.values)})
		if f.of != nil {
			out = append(out, fieldEntries(prefix+f.name+".", f.of)...)
		}
	}
	return out
}

func texts(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}

// typeName is a type's name without CEL's package names.
func typeName(s string) string {
	switch s {
	case "google.protobuf.Duration":
		return "duration"
	case "dyn":
		return "as given"
	}
	return s
}
