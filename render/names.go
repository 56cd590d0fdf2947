package render

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// printable makes whatever a trace calls something safe to show: control
// characters, escape sequences, bidirectional overrides, line separators and
// invalid UTF-8 become visible escapes, and nothing else changes.
func printable(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !hidden(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

func clean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, hidden) < 0
}

// hidden are the characters that act on their surroundings instead of showing.
// The two spaces of format.go are not among them.
func hidden(r rune) bool {
	if string(r) == nbsp || string(r) == thin {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// short is a function's name without the path of its package: its last element
// only, or the last two where that is a major version ("mod/v2.F"). Paths of
// type arguments go the same way.
func short(name string) string {
	var b strings.Builder
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && (pathByte(name[i]) || name[i] == '/') {
			continue
		}
		b.WriteString(lastElement(name[start:i]))
		if i < len(name) {
			b.WriteByte(name[i])
		}
		start = i + 1
	}
	return b.String()
}

func pathByte(c byte) bool {
	return c >= utf8.RuneSelf || c == '.' || c == '-' || c == '_' || c == '~' || c == '%' || c == '@' ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func lastElement(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return path
	}
	if majorVersion(path[i+1:]) {
		if j := strings.LastIndexByte(path[:i], '/'); j >= 0 {
			return path[j+1:]
		}
		return path
	}
	return path[i+1:]
}

// majorVersion reports whether the element of a path is "v2." and so on.
func majorVersion(elem string) bool {
	digits := strings.TrimLeft(strings.TrimPrefix(elem, "v"), "0123456789")
	return strings.HasPrefix(elem, "v") && len(digits) < len(elem)-1 && strings.HasPrefix(digits, ".")
}

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

func functionName(name string) string {
	if name == "" {
		return "unknown function"
	}
	return short(name)
}

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
