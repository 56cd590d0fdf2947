package policy

import (
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// unit is what a number in the environment counts.
type unit string

const (
	noUnit    unit = ""
	unitTime  unit = "duration" // CEL's duration, of nanoseconds
	unitShare unit = "share"    // in [0, 1]
	unitCount unit = "count"
	unitRate  unit = "per second" // of what was analysed
)

// object is a type of the environment: things with fields.
type object struct {
	name   string
	doc    string
	fields []field
	item   func(any) string // what messages call one; nil for what there is one of
	byName map[string]*field
}

// field is one field of an object.
type field struct {
	name    string
	typ     *cel.Type
	unit    unit
	doc     string
	values  []string         // all that a text can be; nil for anything
	mayLack bool             // not every trace tells it
	nameIn  string           // the list whose items it is the name of, in a trace that has them; "" for any other
	ranked  bool             // values go from the least to the most: < and > compare them by that
	of      *object          // what it holds, or a list of; nil for plain values
	get     func(of any) any // takes what the object's value holds
}

// newObject is a type whose values hold a *T.
func newObject(name, doc string, item func(any) string, fields ...field) *object {
	o := &object{name: name, doc: doc, item: item, fields: fields, byName: map[string]*field{}}
	for i := range o.fields {
		o.byName[fields[i].name] = &o.fields[i]
	}
	return o
}

func (o *object) celType() *cel.Type { return cel.ObjectType(o.name) }

// The kinds of fields. Each takes a function from what the object holds.

func duration[T any](name, doc string, ns func(*T) int64) field {
	return field{name: name, typ: cel.DurationType, unit: unitTime, doc: doc, get: func(of any) any { return time.Duration(ns(of.(*T))) }}
}

func count[T any, N int | int32 | int64](name, doc string, n func(*T) N) field {
	return field{name: name, typ: cel.IntType, unit: unitCount, doc: doc, get: func(of any) any { return int64(n(of.(*T))) }}
}

func number[T any](name string, u unit, doc string, v func(*T) float64) field {
	return field{name: name, typ: cel.DoubleType, unit: u, doc: doc, get: func(of any) any { return v(of.(*T)) }}
}

func text[T any](name, doc string, values []string, s func(*T) string) field {
	return field{name: name, typ: cel.StringType, doc: doc, values: values, get: func(of any) any { return s(of.(*T)) }}
}

// nameIn is a text that is the name of a list's items.
func nameIn(scope string, f field) field {
	f.nameIn = scope
	return f
}

// ranked is a text whose values are in an order of their own.
func ranked(f field) field {
	f.ranked = true
	return f
}

func boolean[T any](name, doc string, b func(*T) bool) field {
	return field{name: name, typ: cel.BoolType, doc: doc, get: func(of any) any { return b(of.(*T)) }}
}

// one is a field that holds a thing there is one of.
func one(name string, o *object) field {
	return field{name: name, typ: o.celType(), doc: o.doc, of: o, get: func(of any) any { return &value{o, of} }}
}

// listOf is a field that holds any number of things.
func listOf[T, E any](name string, o *object, all func(*T) []*E) field {
	return field{name: name, typ: cel.ListType(o.celType()), doc: "list: " + o.doc, of: o, get: func(of any) any {
		var values []ref.Val
		for _, e := range all(of.(*T)) {
			values = append(values, &value{o, e})
		}
		return values
	}}
}

// value is a value of an object's type. Two are equal if they are the same thing
// of the same trace.
type value struct {
	object *object
	of     any // a pointer
}

func (v *value) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a %s can't be converted to %v", v.object.name, t)
}

func (v *value) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return v.object.celType()
	}
	return types.NewErr("a %s can't be converted to %s", v.object.name, t.TypeName())
}

func (v *value) Equal(other ref.Val) ref.Val {
	o, ok := other.(*value)
	return types.Bool(ok && o.of == v.of && o.object == v.object)
}

func (v *value) Type() ref.Type { return v.object.celType() }

// Value is v itself, so that the getters of fields, which get no more than this,
// know the object.
func (v *value) Value() any { return v }

// provider tells the checker of the objects' fields.
type provider struct {
	types.Provider
	objects map[string]*object
	missed  []missedField // fields that were asked for and are not there
}

type missedField struct {
	object *object
	field  string
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if o := p.objects[name]; o != nil {
		return types.NewTypeTypeWithParam(o.celType()), true
	}
	return p.Provider.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	o := p.objects[name]
	if o == nil {
		return p.Provider.FindStructFieldNames(name)
	}
	var names []string
	for _, f := range o.fields {
		names = append(names, f.name)
	}
	return names, true
}

func (p *provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	o := p.objects[name]
	if o == nil {
		return p.Provider.FindStructFieldType(name, fieldName)
	}
	f := o.byName[fieldName]
	if f == nil {
		p.missed = append(p.missed, missedField{o, fieldName})
		return nil, false
	}
	return &types.FieldType{
		Type:  f.typ,
		IsSet: func(any) bool { return true },
		GetFrom: func(of any) (any, error) {
			v, ok := of.(*value)
			if !ok {
				return nil, fmt.Errorf("%T is no %s", of, name)
			}
			x := f.get(v.of)
			if err, ok := x.(*openError); ok {
				return nil, err
			}
			return x, nil
		},
	}, true
}

// NewValue refuses to make objects: they come from a trace.
func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if p.objects[name] != nil {
		return types.NewErr("a %s can't be made, only taken from the trace", name)
	}
	return p.Provider.NewValue(name, fields)
}
