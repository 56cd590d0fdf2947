package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong in a policy.
type Error struct {
	File   string
	Line   int // counted from 1; 0 for the file as a whole
	Column int // in characters, counted from 1
	Text   string
	Source string // the line
}

// Error names the place, and shows the line with a mark below it.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
	// A very long line would hide what is said about it.
	if line := []rune(e.Source); len(line) > 0 && len(line) <= maxShown && e.Column <= len(line)+1 {
		s += "\n    " + strings.ReplaceAll(e.Source, "\t", " ") + "\n    " + strings.Repeat(" ", e.Column-1) + "^"
	}
	return s
}

const maxShown = 160

// Errors are all that is wrong in a policy, in the order of the file.
type Errors []*Error

// Error is all of them, one below the other.
func (e Errors) Error() string {
	var lines []string
	for _, x := range e {
		lines = append(lines, x.Error())
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}
