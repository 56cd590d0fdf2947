package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers are the rooms of the module in the order in which they may import each
// other: each imports only those after it.
var layers = []string{"cmd", "render", "analyze", "model"}

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string // without those of tests
}

// TestImports keeps imports one-way: cmd → render → analyze → model → the
// standard library.
func TestImports(t *testing.T) {
	packages := goList(t)
	seen := map[string]bool{}
	for _, p := range packages {
		seen[layer(p.ImportPath)] = true
		for _, imported := range p.Imports {
			if why := forbidden(p.ImportPath, imported, packages[imported].Standard); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
	}
	for _, l := range layers {
		if !seen[l] {
			t.Errorf("no package of %s was looked at", l)
		}
	}
}

// TestForbidden checks that the rules can fail.
func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		from, to string
		standard bool
		allowed  bool
	}{
		{"gmptrace/cmd/gmptrace", "gmptrace/render", false, true},
		{"gmptrace/render", "gmptrace/cmd/gmptrace", false, false},
		{"gmptrace/analyze", "gmptrace/render", false, false},
		{"gmptrace/model/simulate", "gmptrace/model", false, true},
		{"gmptrace/model", "gmptrace/analyze", false, false},
		{"gmptrace/model", "golang.org/x/exp/trace", false, false},
		{"gmptrace/model", "slices", true, true},
		{"gmptrace/render", "golang.org/x/exp/trace", false, false},
		{"gmptrace/analyze", "golang.org/x/exp/trace", false, true},
		{"gmptrace/analyze/words", "gmptrace/model", false, false},
		{"gmptrace/analyze/words", "strings", true, true},
		{"gmptrace/render", "gmptrace/fixtures/tools/oracle", false, false},
		{"gmptrace/fixtures/tools/oracle/score", "gmptrace/fixtures/tools/oracle/truth", false, true},
	} {
		if got := forbidden(test.from, test.to, test.standard); (got == "") != test.allowed {
			t.Errorf("%s imports %s: %q", test.from, test.to, got)
		}
	}
}

// layer is the room that a package of the module is in; "" for other packages.
func layer(path string) string {
	rest, found := strings.CutPrefix(path, "gmptrace/")
	if !found {
		return ""
	}
	room, _, _ := strings.Cut(rest, "/")
	return room
}

// forbidden says why a package may not import another, or "".
func forbidden(from, to string, standard bool) string {
	room, other := layer(from), layer(to)
	switch {
	case room == "" || room == "fixtures" || standard:
		return ""
	case other == "fixtures":
		return "fixtures are for tests"
	case other != "" && slices.Index(layers, other) < slices.Index(layers, room):
		return "imports go " + strings.Join(layers, " → ")
	case other == "" && room == "model":
		return "model needs the standard library alone"
	case from == "gmptrace/analyze/words":
		return "words needs the standard library alone"
	case strings.HasPrefix(to, "golang.org/x/exp/trace") && room != "analyze":
		return "only analyze reads traces"
	}
	return ""
}

// goList lists the module's packages and all that they depend on.
func goList(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-pgo=off", "-deps", "-json=ImportPath,Standard,Imports", "gmptrace/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	packages := map[string]goPackage{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := dec.Decode(&p)
		if err == io.EOF {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}
