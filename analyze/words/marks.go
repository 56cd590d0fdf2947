package words

import (
	"strings"
	"unicode/utf8"
)

// Text is s for a terminal: commas between groups of digits, spaces before units.
func Text(s string) string { return unmarked(s, ",") }

// Machine is s for whatever programs read: digits stand together.
func Machine(s string) string { return unmarked(s, "") }

// unmarked is s with group between groups of digits and a space for each tie.
// Only what follows a digit is a mark, and a group's also precedes one: the rest
// is part of a name, and stays.
func unmarked(s, group string) string {
	if !strings.Contains(s, Group) && !strings.Contains(s, Tie) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		mark, next := s[i:i+n], i+n
		switch {
		case i == 0 || !digit(s[i-1]):
			b.WriteString(mark)
		case mark == Tie:
			b.WriteByte(' ')
		case mark == Group && next < len(s) && digit(s[next]):
			b.WriteString(group)
		default:
			b.WriteString(mark)
		}
		i = next
	}
	return b.String()
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
