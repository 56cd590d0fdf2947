package main

import (
	"strconv"
	"strings"
	"unicode"

	"gmptrace/analyze/words"
)

// printable is s with what could steer a terminal written as Go escapes. Names
// of files, servers' answers and bytes of a trace end up in messages, and none
// of them can be trusted. Line ends stay: messages have hints on lines of their own.
// Figures are spelled as text.
func printable(s string) string {
	var b strings.Builder
	for _, r := range words.Text(s) {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRune(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return words.Inert(b.String())
}

// printableName is printable for what must stay on its line.
func printableName(s string) string {
	return strings.ReplaceAll(printable(s), "\n", `\n`)
}
