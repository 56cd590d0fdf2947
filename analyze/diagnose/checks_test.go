package diagnose_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze"
	"gmptrace/analyze/diagnose"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// TestChecks runs testdata/*.txtar: each begins with a comment that says what
// happens, then the events and the findings expected.
func TestChecks(t *testing.T) { scenarios(t, "testdata", findingsOf) }

// TestEveryCheckHasScenarios holds every check to a scenario in which it fires, one
// just below its threshold, and one that it can't decide or, where there is none, a
// doc that says why it is always decided.
func TestEveryCheckHasScenarios(t *testing.T) {
	docs := checkDocs(t)
	for _, id := range diagnose.CheckIDs() {
		t.Run(id, func(t *testing.T) {
			if c := checkIn(t, id, "fires"); c != nil && c.Findings == 0 {
				t.Error("it does not fire in the scenario named so")
			}
			if c := checkIn(t, id, "just_below"); c != nil && (c.Findings > 0 || c.Undecided != "") {
				t.Errorf("just below its threshold it has %d findings, undecided %q; want neither", c.Findings, c.Undecided)
			}
			always, undecided := strings.Contains(docs[id], "Always decided: "), hasScenario(id, "undecided")
			switch {
			case always && undecided:
				t.Error("its doc says that it is always decided, a scenario is named undecided")
			case !always:
				if c := checkIn(t, id, "undecided"); c != nil && c.Undecided == "" {
					t.Error("it is decided in the scenario named undecided")
				}
			}
		})
	}
}

// TestScenariosNameTheirCheck finds scenarios whose name begins with the id of no check.
func TestScenariosNameTheirCheck(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !slices.ContainsFunc(diagnose.CheckIDs(), func(id string) bool { return strings.HasPrefix(name, scenariosOf(id)) }) {
			t.Errorf("%s: which check is it about?", name)
		}
	}
}

// fileName is how the names of all files of a check begin.
func fileName(id string) string { return strings.ReplaceAll(id, "-", "_") }

// scenariosOf is how the names of a check's scenarios begin.
func scenariosOf(id string) string {
	return filepath.Join("testdata", fileName(id)) + "_"
}

// scenarioFile is where the scenario of a check stands that shows something.
func scenarioFile(id, shows string) string { return scenariosOf(id) + shows + ".txtar" }

func hasScenario(id, shows string) bool {
	_, err := os.Stat(scenarioFile(id, shows))
	return err == nil
}

// checkIn is what a check says of its scenario. That there is none fails the test, and
// yields nil.
func checkIn(t *testing.T, id, shows string) *report.Check {
	t.Helper()
	ar, err := txtar.ParseFile(scenarioFile(id, shows))
	if err != nil || len(ar.Files) == 0 {
		t.Errorf("want a scenario: %v", err)
		return nil
	}
	rep := analyzeScenario(t, string(ar.Files[0].Data))
	for i := range rep.Checks {
		if rep.Checks[i].ID == id {
			return &rep.Checks[i]
		}
	}
	t.Errorf("%s: the report does not name the check", scenarioFile(id, shows))
	return nil
}

// checkDocs are the docs of all checks by their ids, each on one line. It fails the test
// where one does not stand in the file that is named for it.
func checkDocs(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, id := range diagnose.CheckIDs() {
		f, err := parser.ParseFile(token.NewFileSet(), fileName(id)+".go", nil, parser.ParseComments)
		if err != nil {
			t.Errorf("want a file named for the check: %v", err)
			continue
		}
		for _, d := range f.Decls {
			if v, ok := d.(*ast.GenDecl); ok && v.Tok == token.VAR && checkID(v) == id {
				docs[id] = strings.Join(strings.Fields(v.Doc.Text()), " ")
			}
		}
		if docs[id] == "" {
			t.Errorf("%s.go has no check %q with a doc", fileName(id), id)
		}
	}
	return docs
}

// checkID is the id of the check that a variable is, "" if it is none.
func checkID(v *ast.GenDecl) (id string) {
	ast.Inspect(v, func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return id == ""
		}
		key, isName := kv.Key.(*ast.Ident)
		val, isText := kv.Value.(*ast.BasicLit)
		if isName && isText && key.Name == "ID" {
			id = strings.Trim(val.Value, `"`)
		}
		return false
	})
	return id
}

// TestVerdicts runs testdata/verdicts/*.txtar: events, and the verdict on them.
func TestVerdicts(t *testing.T) {
	scenarios(t, "testdata/verdicts", func(r *report.Report) string {
		v := r.Verdict
		return words.Text(fmt.Sprintf("%s: %s\n%s\nto do: %s\n", v.Severity, v.Headline, v.Detail, cmp.Or(v.Advice, "nothing")))
	})
}

// scenarios compares what a report on each file's events says with its second part.
func scenarios(t *testing.T, dir string, say func(*report.Report) string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("want two files, events and what they yield: %v", err)
			}
			got := say(analyzeScenario(t, string(ar.Files[0].Data)))
			if got == string(ar.Files[1].Data) {
				return
			}
			if *replaytest.Update {
				ar.Files[1].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("got\n%swant\n%s", got, ar.Files[1].Data)
		})
	}
}

// analyzeScenario replays events written as text and reports on them.
func analyzeScenario(t *testing.T, text string) *report.Report {
	t.Helper()
	rep, err := analyze.Analyze(t.Context(), replaytest.Scenario(t, text), analyze.Options{Options: replay.Options{Name: "scenario"}, Slices: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// findingsOf is what a scenario's file says of a report.
func findingsOf(rep *report.Report) string {
	var out strings.Builder
	for _, f := range rep.Findings {
		fmt.Fprintf(&out, "%s %s: %s (%s, %s)\n", f.ID, f.Severity, f.Title, words.Length(f.CostNS), f.CostOf)
		for _, m := range f.Moments {
			fmt.Fprintf(&out, "  %s to %s: %s\n", words.At(m.Start), words.At(m.End), m.Text)
		}
		fmt.Fprintf(&out, "  why: %s\n", f.Why)
	}
	for _, c := range rep.Checks {
		if c.Undecided != "" {
			fmt.Fprintf(&out, "%s undecided: %s\n", c.ID, c.Undecided)
		}
	}
	if out.Len() == 0 {
		return "nothing\n"
	}
	return words.Text(out.String())
}
