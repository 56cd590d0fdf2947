package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoCasePairs fails for two names of a package that differ in nothing but the
// case of their first letter: whoever reads or searches takes one for the other.
func TestNoCasePairs(t *testing.T) {
	packages := 0
	err := filepath.WalkDir("../..", func(dir string, d fs.DirEntry, err error) error {
		switch name := filepath.Base(dir); {
		case err != nil || !d.IsDir():
			return err
		case name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") && name != "..":
			return filepath.SkipDir
		}
		files := parseDir(t, dir)
		if len(files) > 0 {
			packages++
		}
		for _, pair := range casePairs(files) {
			t.Errorf("%s: %s", filepath.ToSlash(dir), pair)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if packages < 20 {
		t.Errorf("looked at %d packages only", packages)
	}
}

// TestCasePairs checks that pairs are found, of all that a package can declare, and
// that methods, fields and locals are none of it.
func TestCasePairs(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "", `package p
type Window struct{ Side, bound int }
func window() { wait, Rank := 1, 2 }
func (Window) rate() {}
var Rate, Wait = 1, 2
const A, a, rank = 1, 2, 3
type (
	bin int
	Bin int
	Bound int
)
func side() {}
`, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := casePairs([]*ast.File{file})
	want := []string{"a and A", "bin and Bin", "window and Window"}
	if len(got) != len(want) {
		t.Fatalf("found %q, want %q", got, want)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]+" ") {
			t.Errorf("found %q, want %q", got[i], want[i])
		}
	}
}

// parseDir parses the files of a folder that are no tests.
func parseDir(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// casePairs are the pairs among the names that files declare at package level, as
// sentences.
func casePairs(files []*ast.File) []string {
	lower := map[string]bool{}
	var upper []string
	for _, file := range files {
		for _, name := range declared(file) {
			if ast.IsExported(name) {
				upper = append(upper, name)
			} else {
				lower[name] = true
			}
		}
	}
	slices.Sort(upper)
	var pairs []string
	for _, name := range upper {
		if small := strings.ToLower(name[:1]) + name[1:]; lower[small] {
			pairs = append(pairs, small+" and "+name+" differ only in the case of a letter")
		}
	}
	return pairs
}

// declared are the names that a file declares at package level.
func declared(file *ast.File) []string {
	var names []string
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				names = append(names, decl.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}
