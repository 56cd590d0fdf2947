package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRaced: packages that start goroutines are named in the Makefile, whole or in part,
// among those that are tested with the race detector.
func TestRaced(t *testing.T) {
	const root = "../.."
	makefile := readFile(t, root+"/Makefile")
	var raced []string
	for _, m := range regexp.MustCompile(`(?m)^RACED\w* := (.*)$`).FindAllStringSubmatch(makefile, -1) {
		for _, pkg := range strings.Fields(m[1]) {
			pkg, part, _ := strings.Cut(strings.TrimPrefix(pkg, "./"), ":")
			if part != "" && !hasTest(t, root, pkg, strings.Split(part, "/")[0]) {
				t.Errorf("%s has no test %s", pkg, part)
			}
			raced = append(raced, pkg)
		}
	}
	if len(raced) == 0 {
		t.Fatal("the Makefile names none")
	}
	for _, top := range []string{"cmd", "analyze", "model", "render"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || hasModule(file)) {
				return filepath.SkipDir
			}
			pkg, _ := filepath.Rel(root, filepath.Dir(file))
			if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") && !slices.Contains(raced, filepath.ToSlash(pkg)) && startsGoroutines(t, file) {
				t.Errorf("%s starts goroutines: name %s in the Makefile's RACED, or a test of it in RACED_IN_PART", file, pkg)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// hasModule says that a folder has a module of its own.
func hasModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// hasTest says that a package of the module has a test of that name.
func hasTest(t *testing.T, root, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		return strings.Contains(readFile(t, file), "\nfunc "+name+"(")
	})
}

// startsGoroutines says that a file has a go statement, or calls the Go of a group.
func startsGoroutines(t *testing.T, file string) bool {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	starts := false
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			starts = true
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			starts = starts || ok && f.Sel.Name == "Go" && len(n.Args) == 1
		}
		return !starts
	})
	return starts
}
