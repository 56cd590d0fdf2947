package render

import (
	"reflect"
	"strings"

	"github.com/rivo/uniseg"
)

// mapped is a copy of v in which f has been applied to every string and no
// slice is nil. Pointers are kept: what they point to is shared, not copied.
func mapped[T any](v T, f func(string) string) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	mapInto(out, reflect.ValueOf(v), f)
	return out.Interface().(T)
}

func mapInto(dst, src reflect.Value, f func(string) string) {
	switch src.Kind() {
	case reflect.String:
		dst.SetString(f(src.String()))
	case reflect.Struct, reflect.Array:
		dst.Set(src)
		mapFields(dst, src, f)
	case reflect.Slice:
		mapSlice(dst, src, f)
	default:
		dst.Set(src)
	}
}

func mapFields(dst, src reflect.Value, f func(string) string) {
	if src.Kind() == reflect.Array {
		for i := range src.Len() {
			mapInto(dst.Index(i), src.Index(i), f)
		}
		return
	}
	for i := range src.NumField() {
		mapInto(dst.Field(i), src.Field(i), f)
	}
}

func mapSlice(dst, src reflect.Value, f func(string) string) {
	switch src.Type().Elem().Kind() {
	case reflect.String, reflect.Struct, reflect.Slice:
	default: // numbers: nothing to change, so nothing to copy
		dst.Set(src)
		if src.IsNil() {
			dst.Set(reflect.MakeSlice(src.Type(), 0, 0))
		}
		return
	}
	dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
	for i := range src.Len() {
		mapInto(dst.Index(i), src.Index(i), f)
	}
}

// fileName is the last element of a source file's path, which may be one of
// Windows.
func fileName(file string) string { return file[strings.LastIndexAny(file, `/\`)+1:] }

// cut splits s after at most width columns, between characters.
func cut(s string, width int) (string, string) {
	used := 0
	for i, r := range s {
		used += uniseg.StringWidth(string(r))
		if used > width && i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// shorten is s in at most width columns, its middle left out where it is
// longer: functions differ at both ends.
func shorten(s string, width int) string {
	if uniseg.StringWidth(s) <= width {
		return s
	}
	head, _ := cut(s, width/2)
	runes := []rune(s)
	i := len(runes)
	for used := uniseg.StringWidth(head) + 1; i > 0; i-- {
		used += uniseg.StringWidth(string(runes[i-1]))
		if used > width {
			break
		}
	}
	return head + "…" + string(runes[i:])
}
