package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what commands print now into the pages of docs")

// docs are the pages of questions, from this folder.
func docs(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) < 11 {
		t.Fatalf("%d pages in docs, which has more (%v)", len(pages), err)
	}
	return pages
}

// leftOut stands on a page where blocks of an output are left out.
const leftOut = "[…]"

// fence matches a part of a page that shows commands: with what they print, where it is
// called console, else alone.
var fence = regexp.MustCompile("(?ms)^```(console|sh)\n(.*?)^```$")

// TestDocs runs every command that the pages and the README show in fences, and holds what it prints to what stands
// there. Of an output whole blocks may be left out, at a mark. To write what commands print
// now into the pages: go test ./cmd/gmptrace -run TestDocs -update
func TestDocs(t *testing.T) {
	for _, page := range append(docs(t), "../../README.md") {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text := readFile(t, page)
			now := fence.ReplaceAllStringFunc(text, func(part string) string {
				m := fence.FindStringSubmatch(part)
				if m[1] == "console" {
					var again string
					t.Run(m[2][:strings.Index(m[2], "\n")], func(t *testing.T) { again = rerun(t, m[2]) })
					return "```console\n" + again + "```"
				}
				for _, c := range commandLine.FindAllStringSubmatch("    "+strings.ReplaceAll(m[2], "\n", "\n    "), -1) {
					t.Run(c[1], func(t *testing.T) { runExample(t, c[1]) })
				}
				return part
			})
			switch {
			case now == text:
			case *update:
				if err := os.WriteFile(page, []byte(now), 0o666); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%s shows what commands do not print (any more):\n%s\nRead that; go test ./cmd/gmptrace -run TestDocs -update writes it", page, changed(text, now))
			}
		})
	}
}

// rerun is a part of a page with what its commands print now.
func rerun(t *testing.T, part string) string {
	t.Helper()
	chdirBesideFixtures(t)
	t.Setenv("COLUMNS", "80")
	var b strings.Builder
	code := 0
	for _, session := range splitBefore(part, "$ ") {
		line, shown, _ := strings.Cut(session, "\n")
		output := ""
		output, code = shell(t, strings.TrimPrefix(line, "$ "), code)
		fmt.Fprintf(&b, "%s\n%s", line, shorten(shown, output))
	}
	if code != exitDone {
		t.Errorf("exit code %d, which the page does not tell by $ echo $?:\n%s", code, part)
	}
	return b.String()
}

// shell does what a line asks for, and returns what it prints and its exit code. A command
// that fails has to be followed by echo $?.
func shell(t *testing.T, line string, before int) (string, int) {
	t.Helper()
	args := arguments(line)
	if before != exitDone && line != "echo $?" {
		t.Errorf("exit code %d before %q, which the page does not tell by $ echo $?", before, line)
	}
	switch {
	case line == "echo $?":
		return fmt.Sprintln(before), exitDone
	case args[0] == "cat" && len(args) == 2:
		return readFile(t, args[1]), exitDone
	case args[0] == "gmptrace":
		var both bytes.Buffer // as on a terminal
		code := run(t.Context(), args[1:], nil, &both, &both)
		return both.String(), code
	}
	t.Errorf("the test can't run %q", line)
	return "", exitDone
}

// arguments splits a command line as a shell does, as far as pages need it.
func arguments(line string) []string {
	args := regexp.MustCompile(`(?:'[^']*'|[^\s'])+`).FindAllString(line, -1)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "'", "")
	}
	return args
}

// shorten is an output without the blocks that the page leaves out: with those that have
// most in common with the blocks that it shows, in their order. A page that shows nothing
// gets all of it.
func shorten(shown, output string) string {
	apart := "\n\n"
	if strings.HasPrefix(output, "{") { // JSON: a block for each key
		apart = "\n"
	}
	all := blocks(output)
	var kept []string
	next := 0
	for _, block := range blocks(shown) {
		if block == leftOut {
			continue
		}
		best, most := -1, 0
		for i := next; i < len(all); i++ {
			if n := common(block, all[i]); n > most {
				best, most = i, n
			}
		}
		if best < 0 {
			continue
		}
		if best > next {
			kept = append(kept, leftOut)
		}
		kept, next = append(kept, all[best]), best+1
	}
	switch {
	case next == 0:
		kept = all
	case next < len(all):
		kept = append(kept, leftOut)
	}
	if len(kept) == 0 {
		return ""
	}
	return strings.Join(kept, apart) + "\n"
}

// blocks are the parts of an output that may be left out: what stands between empty lines;
// of JSON the keys.
func blocks(output string) []string {
	output = strings.Trim(output, "\n")
	switch {
	case output == "":
		return nil
	case strings.HasPrefix(output, "{"):
		var keys []string
		for _, b := range splitBefore(output, ` "`, leftOut, "}") {
			keys = append(keys, strings.TrimSuffix(b, "\n"))
		}
		return keys
	}
	return regexp.MustCompile(`\n{2,}`).Split(output, -1)
}

// splitBefore splits a text before each line that begins with one of the prefixes.
func splitBefore(text string, prefixes ...string) []string {
	var parts []string
	for line := range strings.Lines(text) {
		begins := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) })
		if begins || len(parts) == 0 {
			parts = append(parts, "")
		}
		parts[len(parts)-1] += line
	}
	return parts
}

// common is how many words two blocks have in common, and one more if they are the same.
func common(a, b string) (n int) {
	in := map[string]int{}
	for _, w := range strings.Fields(a) {
		in[w]++
	}
	for _, w := range strings.Fields(b) {
		if in[w] > 0 {
			in[w]--
			n++
		}
	}
	if a == b {
		n++
	}
	return n
}

// changed shows the first lines that differ.
func changed(old, now string) string {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	few := func(lines []string) string { return strings.Join(lines[i:min(i+8, len(lines))], "\n") }
	return fmt.Sprintf("line %d, the page:\n%s\nthe command:\n%s", i+1, few(a), few(b))
}

// TestShorten checks that what no longer stands in an output is noticed, and that a page
// may leave blocks out only at a mark.
func TestShorten(t *testing.T) {
	const output = "one a\n\ntwo b\nc\n\nthree d\n"
	for _, test := range []struct{ name, shown, want string }{
		{"all", output, output},
		{"nothing shown", "", output},
		{"first", "one a\n\n[…]\n", "one a\n\n[…]\n"},
		{"last", "[…]\n\nthree d\n", "[…]\n\nthree d\n"},
		{"ends", "one a\n\n[…]\n\nthree d\n", "one a\n\n[…]\n\nthree d\n"},
		{"no mark", "one a\n\nthree d\n", "one a\n\n[…]\n\nthree d\n"},
		{"a mark for nothing", "one a\n\n[…]\n\ntwo b\nc\n\nthree d\n", output},
		{"half a block", "[…]\n\ntwo b\n\n[…]\n", "[…]\n\ntwo b\nc\n\n[…]\n"},
		{"another figure", "one x\n\n[…]\n", "one a\n\n[…]\n"},
		{"not there any more", "one a\n\nfour e\n\nthree d\n", "one a\n\n[…]\n\nthree d\n"},
	} {
		if got := shorten(test.shown, output); got != test.want {
			t.Errorf("%s: got\n%swant\n%s", test.name, got, test.want)
		}
	}
	const brief = "{\n \"a\": 1,\n \"b\": {\n  \"c\": 2\n },\n \"d\": 3\n}\n"
	if got := shorten("{\n \"a\": 1,\n[…]\n}\n", brief); got != "{\n \"a\": 1,\n[…]\n}\n" {
		t.Errorf("of JSON is kept\n%s", got)
	}
}
