package anonymize

import (
	_ "embed"
	"slices"
	"strings"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/names"
)

//go:embed std.txt
var standardList string

// known is what is kept.
type known struct {
	standard map[string]bool // the standard library's packages
	paths    []string        // of others, with all packages below them
	methods  map[string]bool // in whatever package
	asked    map[string]bool // what was found of packages
}

func newKnown(keep []string) known {
	k := known{standard: map[string]bool{}, methods: map[string]bool{}, asked: map[string]bool{}}
	for _, p := range strings.Fields(standardList) {
		k.standard[p] = true
	}
	k.paths = slices.Concat(names.KnownPackages(), explain.KnownPackages())
	for _, p := range keep {
		k.paths = append(k.paths, strings.TrimRight(p, "/"))
	}
	for _, m := range slices.Concat(explain.Methods(), lockMethods) {
		k.methods[m] = true
	}
	return k
}

// lockMethods are what waits are told by: see names.LockSites and names.EndOf.
var lockMethods = strings.Fields("Lock Unlock RLock RUnlock Wait")

// keeps reports whether names of a package stay.
func (k *known) keeps(path string) bool {
	kept, ok := k.asked[path]
	if !ok {
		if len(k.asked) >= maxAsked {
			clear(k.asked)
		}
		kept = k.find(path)
		k.asked[path] = kept
	}
	return kept
}

// maxAsked bounds what is remembered of packages: a file can name any number.
const maxAsked = 1 << 16

func (k *known) find(path string) bool {
	path = strings.TrimSuffix(unescaped(path), "_test") // a package's tests may be a package of their own
	if k.standard[path] {
		return true
	}
	return slices.ContainsFunc(k.paths, func(p string) bool {
		return strings.HasPrefix(path, p) && (len(path) == len(p) || path[len(p)] == '/')
	})
}

// unescaped is an import path as it is written in the source: in names of functions the
// dots of its last element are escaped.
func unescaped(path string) string { return strings.ReplaceAll(path, "%2e", ".") }

// marks are parts of names that analyses go by, in whatever package. A name that has one
// has it behind its number.
var (
	marksWithin = []string{"Client", "Invoker", "Streamer", "Transport"}
	marksAtEnd  = []string{"ServerConn", "serverConn", "Group", "Mutex"}
)

// mark is that of an identifier, "" for none.
func mark(ident string) string {
	for _, m := range marksWithin {
		if strings.Contains(ident, m) {
			return m
		}
	}
	for _, m := range marksAtEnd {
		if strings.HasSuffix(ident, m) {
			return m
		}
	}
	return ""
}
