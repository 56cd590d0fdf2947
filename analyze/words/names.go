package words

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Function is a function's name without the path of its package, which hides
// what matters: the last element only, or the last two where that is a major
// version ("mod/v2.F"). Paths of type arguments go the same way. A name has no
// marks: what looks like one becomes a space.
func Function(name string) string {
	if name == "" {
		return "unknown function"
	}
	return noMarks(short(name))
}

var noMarks = strings.NewReplacer(Group, " ", Tie, " ").Replace

// Goroutine is a goroutine with the function that it was started with:
// "G12 (main.worker)".
func Goroutine[N Integer](g N, fn string) string {
	return fmt.Sprintf("G%d (%s)", g, Function(fn))
}

// Place is a place in a program, with the last element of its file's path:
// "main.load (shop.go:12)"; the function alone, where no line shows.
func Place(fn, file string, line uint64) string {
	if file == "" || line == 0 {
		return Function(fn)
	}
	return fmt.Sprintf("%s (%s:%d)", Function(fn), file, line)
}

// PlaceFrom is a place, and who called it: "main.load (shop.go:12, called from main.serve)";
// the place alone, where nobody else did. In parentheses it can stand before any verb.
func PlaceFrom(fn, file string, line uint64, from string) string {
	place := Place(fn, file, line)
	if from == "" || from == fn {
		return place
	}
	if open, has := strings.CutSuffix(place, ")"); has {
		return open + ", called from " + Function(from) + ")"
	}
	return place + " (called from " + Function(from) + ")"
}

// Slowest names the n slowest of some.
func Slowest(n int64) string {
	if n == 1 {
		return "the slowest"
	}
	return fmt.Sprintf("the %s slowest", Count(n))
}

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

// Printable makes whatever a trace calls something safe to show: control
// characters, escape sequences, bidirectional overrides, line separators and
// invalid UTF-8 become visible escapes, and nothing else changes.
func Printable(s string) string {
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
	return plain(s) || utf8.ValidString(s) && strings.IndexFunc(s, hidden) < 0
}

// plain reports whether s is of ASCII that shows: nearly every name is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// hidden are the characters that act on their surroundings instead of showing.
// The marks are not among them.
func hidden(r rune) bool {
	if string(r) == Tie || string(r) == Group {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// command is what the runners of CI take for a command to themselves in a job's log: GitHub's
// a line that begins with ::, it and others ## with a bracket behind it anywhere in a line.
var command = regexp.MustCompile(`(?m)^[ \t]*::|##(?:vso|teamcity)?\[`)

// Inert is an output in which nothing that a trace calls something is a command to who reads
// logs: its first mark becomes a visible escape.
func Inert(s string) string {
	if !strings.Contains(s, "::") && !strings.Contains(s, "##") {
		return s
	}
	return command.ReplaceAllStringFunc(s, func(c string) string {
		i := strings.IndexAny(c, ":#")
		return fmt.Sprintf(`%s\x%02x%s`, c[:i], c[i], c[i+1:])
	})
}

// Shell is an argument as shells take it: in quotes where it has a character that may
// mean something to one.
func Shell(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-+:=@%,"
	if s != "" && s[0] != '-' && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
