package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// room is a package of the module.
type room struct {
	path    string // within the module
	imports string // paths of the rooms that it imports, and may
	most    int    // lines of code, tests not counted; 0 for mostLines
	why     string // most is more than that
}

// mostLines is how large a room may be before it has to be split, or say why not.
const mostLines = 4000

// rooms are all of them, each after those that import it: imports go down the list.
// An import that is not here, and one here that is not made, fail TestImports.
var rooms = []room{
	{path: "cmd/gmptrace", imports: "render analyze render/serve analyze/fleet analyze/export/tables cmd/gmptrace/mcp analyze/anonymize analyze/export/perfetto analyze/export/pprof analyze/policy analyze/compare analyze/whatif analyze/explain analyze/machine analyze/replay analyze/report analyze/words model model/simulate",
		most: 5600, why: "one file a command: what they share are flags, input and output, and the rest stands in rooms"},
	{path: "cmd/gmptrace/mcp", imports: "render analyze/fleet analyze/machine analyze/replay analyze/report analyze/schema analyze/words"}, // is handed the commands
	{path: "render/serve", imports: "render analyze/compare analyze/replay analyze/report analyze/whatif analyze/words"},
	{path: "render/debugpage", imports: "render analyze analyze/flight analyze/replay"},
	{path: "render", imports: "analyze analyze/compare analyze/fleet analyze/whatif analyze/names analyze/report analyze/words model",
		most: 9000, why: "text and page share takeaways and key figures, and five formats of checks what a failure says: no circle of imports is worth a wall"},

	// Whole reports, and what is made of them.
	{path: "analyze/compare", imports: "analyze analyze/explain analyze/internal/measure analyze/names analyze/replay analyze/report analyze/stat analyze/words model",
		most: 6000, why: "what is collected of a trace, kept in a fixture, judged and told of is the same, and each kind of it (lengths, rates, legs, limits) stands in all four"},
	{path: "analyze/fleet", imports: "analyze analyze/explain analyze/internal/measure analyze/machine analyze/names analyze/replay analyze/report analyze/stat analyze/words model"},
	{path: "analyze/policy", imports: "analyze/diagnose analyze/rules analyze/names analyze/report analyze/words model"}, // ids alone of the two
	{path: "analyze/export/pprof", imports: "analyze/explain analyze/names analyze/replay analyze/report analyze/words model"},
	{path: "analyze/export/perfetto", imports: "analyze analyze/names analyze/replay analyze/report analyze/words model"},
	{path: "analyze/anonymize", imports: "analyze/explain analyze/internal/load analyze/machine analyze/names analyze/report analyze/words"}, // writes a trace, by what all know of names
	{path: "analyze/export/tables", imports: "analyze analyze/explain analyze/internal/measure analyze/names analyze/replay analyze/report analyze/words model"},
	{path: "analyze/whatif", imports: "analyze/explain analyze/internal/measure analyze/names analyze/replay analyze/report analyze/stat analyze/whatif/held analyze/words model model/simulate", // of explain what requests and tasks there are
		most: 7500, why: "predictions, changes, jobs, laws and lessons are simulations of one workload, and tell how sure they are in one way"},
	{path: "analyze/whatif/held", imports: "analyze/names model"},
	{path: "analyze", imports: "analyze/diagnose analyze/explain analyze/rules analyze/internal/timeline analyze/internal/measure analyze/names analyze/replay analyze/report model"},

	// Analyses, one question each. No one knows another, all know measure; waits is what
	// checks and explanations say of waits alike.
	{path: "analyze/diagnose", imports: "analyze/internal/measure analyze/internal/waits analyze/names analyze/replay analyze/report analyze/stat analyze/words model",
		most: 11300, why: "35 checks share one interface, and half of them one account of what Ps did while others waited"},
	{path: "analyze/explain", imports: "analyze/internal/handlers analyze/internal/measure analyze/internal/waits analyze/names analyze/replay analyze/report analyze/stat analyze/words model",
		most: 11700, why: "what finds instances, follows them, through locks and pools and to the other end of a connection, and tells of them shares the steps of their paths"},
	{path: "analyze/rules", imports: "analyze/internal/measure analyze/names analyze/replay analyze/report analyze/stat analyze/words model"},
	{path: "analyze/internal/timeline", imports: "analyze/internal/measure analyze/names analyze/replay analyze/report model"},
	{path: "analyze/internal/handlers", imports: "analyze/names analyze/report"},
	{path: "analyze/internal/waits", imports: "analyze/names analyze/replay analyze/report analyze/stat analyze/words model"},
	{path: "analyze/internal/measure", imports: "analyze/machine analyze/names analyze/replay analyze/report analyze/stat analyze/words model",
		most: 4200, why: "each table of the report is filled here, and what checks and explanations judge alike by its figures stands beside it"},

	// The seam: from bytes to facts.
	{path: "analyze/replay/replaytest", imports: "analyze/replay analyze/internal/load analyze/names analyze/report fixtures/scenario model"}, // helps tests
	{path: "analyze/replay", imports: "analyze/internal/load analyze/machine analyze/names analyze/report analyze/words model"},
	{path: "analyze/internal/load", imports: "analyze/machine analyze/names analyze/report analyze/words model",
		most: 5800, why: "two readers fill the same batches, and say the same of what is lost; what one makes of a generation that was cut is read by its own tables, and so is one that is written again"},

	// What all of them speak in.
	{path: "analyze/names", imports: "analyze/report model"},
	{path: "analyze/report", imports: "analyze/stat model"},
	{path: "analyze/stat"},
	{path: "analyze/words"},
	{path: "analyze/schema"},                             // of what is written
	{path: "analyze/flight", imports: "analyze/machine"}, // for servers
	{path: "analyze/machine"},

	// The scheduler.
	{path: "fixtures/scenario", imports: "model"}, // events as text, for tests
	{path: "model/simulate", imports: "model"},
	{path: "model", most: 5800, why: "one state machine: split, each half would know half a scheduler"},
}

// tracer reads traces.
const tracer = "golang.org/x/exp/trace"

// needStandard need nothing but the standard library, beside rooms below them.
var needStandard = []string{"model", "model/simulate", "analyze/stat", "analyze/words", "analyze/machine", "analyze/flight"}

// testSupport is for tests alone, as fixtures are.
const testSupport = "analyze/replay/replaytest"

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	Imports    []string // without those of tests
}

// TestImports keeps imports one-way, room by room, and rooms small.
func TestImports(t *testing.T) {
	packages := goList(t)
	for path, p := range packages {
		from, ours := strings.CutPrefix(path, "gmptrace/")
		if !ours || !isRoom(from) && strings.HasPrefix(from+"/", "fixtures/") {
			continue // programs and tools import what they like
		}
		if !isRoom(from) {
			t.Errorf("%s is in no table: add it to rooms, with what it may import", from)
			continue
		}
		for _, imported := range p.Imports {
			if why := forbidden(from, imported, packages[imported].Standard); why != "" {
				t.Errorf("%s imports %s: %s", from, imported, why)
			}
		}
		if why := tooLarge(from, lines(t, p)); why != "" {
			t.Error(why)
		}
	}
	for _, r := range rooms {
		p, ok := packages["gmptrace/"+r.path]
		if !ok {
			t.Errorf("there is no %s, which rooms names", r.path)
		}
		for _, to := range strings.Fields(r.imports) {
			if !slices.Contains(p.Imports, "gmptrace/"+to) {
				t.Errorf("%s does not import %s any more: take that out of rooms", r.path, to)
			}
		}
	}
}

// TestRoomsGoDown: what the table allows is one-way itself.
func TestRoomsGoDown(t *testing.T) {
	for i, r := range rooms {
		for _, to := range strings.Fields(r.imports) {
			if place(to) <= i {
				t.Errorf("%s may import %s, which does not come after it", r.path, to)
			}
		}
		if (r.most > 0) != (r.why != "") || r.most > 0 && r.most <= mostLines {
			t.Errorf("%s: at most %d lines because of %q: want more than %d and why, or neither", r.path, r.most, r.why, mostLines)
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
		{"cmd/gmptrace", "gmptrace/render", false, true},
		{"render", "gmptrace/cmd/gmptrace", false, false},
		{"analyze", "gmptrace/render", false, false},
		{"analyze", "gmptrace/analyze/compare", false, false},
		{"analyze/diagnose", "gmptrace/analyze/internal/measure", false, true},
		{"analyze/internal/measure", "gmptrace/analyze/diagnose", false, false},
		{"analyze/report", "gmptrace/analyze/replay", false, false},
		{"analyze/words", "gmptrace/model", false, false},
		{"analyze/words", "strings", true, true},
		{"model/simulate", "gmptrace/model", false, true},
		{"model", "gmptrace/analyze", false, false},
		{"model", tracer, false, false},
		{"model", "slices", true, true},
		{"model", "golang.org/x/mod/modfile", false, false},
		{"render", tracer, false, false},
		{"analyze/replay", tracer, false, false},
		{"analyze/internal/load", tracer, false, true},
		{"render", "gmptrace/fixtures/tools/oracle", false, false},
		{"analyze/replay/replaytest", "gmptrace/fixtures/scenario", false, true},
		{"analyze/replay", "gmptrace/fixtures/scenario", false, false},
		{"analyze/explain", "gmptrace/analyze/replay/replaytest", false, false},
	} {
		if got := forbidden(test.from, test.to, test.standard); (got == "") != test.allowed {
			t.Errorf("%s imports %s: %q", test.from, test.to, got)
		}
	}
	for _, test := range []struct {
		path    string
		lines   int
		allowed bool
	}{{"analyze/rules", mostLines, true}, {"analyze/rules", mostLines + 1, false}, {"model", mostLines + 1, true}, {"model", 5801, false}} {
		if got := tooLarge(test.path, test.lines); (got == "") != test.allowed {
			t.Errorf("%s has %d lines: %q", test.path, test.lines, got)
		}
	}
}

// place is where a room stands in the table, -1 for no room.
func place(path string) int {
	for i, r := range rooms {
		if r.path == path {
			return i
		}
	}
	return -1
}

func isRoom(path string) bool { return place(path) >= 0 }

// forbidden says why a room may not import a package, or "".
func forbidden(from, to string, standard bool) string {
	r := rooms[place(from)]
	path, ours := strings.CutPrefix(to, "gmptrace/")
	switch {
	case standard:
		return ""
	case ours && slices.Contains(strings.Fields(r.imports), path):
		return ""
	case ours && (path == testSupport || strings.HasPrefix(path, "fixtures/")):
		return "that is for tests"
	case ours:
		return "rooms does not allow it: is that the way that imports go?"
	case slices.Contains(needStandard, from):
		return "it needs the standard library alone"
	case to == tracer && from != "analyze/internal/load":
		return "only analyze/internal/load reads traces"
	}
	return ""
}

// tooLarge says so of a room with so many lines of code, or "".
func tooLarge(path string, n int) string {
	if most := cmp.Or(rooms[place(path)].most, mostLines); n > most {
		return fmt.Sprintf("%s has %d lines, at most %d are allowed: split it by question, or say in rooms why not", path, n, most)
	}
	return ""
}

// lines is how many a package has in files that are no tests.
func lines(t *testing.T, p goPackage) (n int) {
	t.Helper()
	for _, name := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(text, []byte("\n"))
	}
	return n
}

// goList lists the module's packages and all that they depend on.
func goList(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-pgo=off", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Imports", "gmptrace/...")
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
