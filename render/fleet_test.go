package render

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gmptrace/analyze/fleet"
)

const fleetSchemaPath = "../analyze/schema/fleet.schema.json"

// actingName is one that would act where it is not escaped.
const actingName = "\x1b[2J<script>alert(1)</script>\"'\u202e"

// sampleFleet is one of recorded traces, of several hosts and builds; names are hostile
// where somebody gives them.
func sampleFleet(t testing.TB, name string) *fleet.Result {
	t.Helper()
	var f fleet.Fleet
	for i, file := range []string{"cases/orders.trace.gz", "cases/orders-healthy.trace.gz", "cases/payments.trace.gz", "broken/html.trace"} {
		for k, trigger := range []string{"baseline", "slow"} {
			in, err := os.Open(filepath.Join("../fixtures/traces", file))
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			given := fleet.Input{Path: "snaps/" + name + file, Host: fmt.Sprintf("%sh%d", name, i%2), Build: fmt.Sprintf("%sv%d", name, i%2+k), Trigger: trigger}
			rows, err := fleet.Map(context.Background(), in, given, fleet.Options{})
			if err != nil {
				t.Fatal(err)
			}
			f.Add(rows)
		}
	}
	return f.Result()
}

func TestFleetJSON(t *testing.T) {
	hasEveryField(t, fleetSchemaPath, reflect.TypeFor[fleet.Result]())
	schema, err := jsonschema.NewCompiler().Compile(fleetSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	empty := (&fleet.Fleet{}).Result()
	for name, r := range map[string]*fleet.Result{"recorded": sampleFleet(t, ""), "hostile": sampleFleet(t, actingName), "empty": empty} {
		var b bytes.Buffer
		if err := FleetJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The page and the text have what is told, no name acts in them, and the same fleet gives
// the same bytes.
func TestFleetPage(t *testing.T) {
	r := sampleFleet(t, actingName)
	links := FleetLinks{Reports: map[string]string{r.Listed()[0].Trace: "reports/" + r.Listed()[0].Trace + ".html"}}
	var page, again, text bytes.Buffer
	for _, b := range []*bytes.Buffer{&page, &again} {
		if err := FleetHTML(b, r, links); err != nil {
			t.Fatal(err)
		}
	}
	if err := FleetText(&text, r, links, TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page.Bytes(), again.Bytes()) {
		t.Error("the page differs from one time to the next")
	}
	for _, bad := range []string{"\x1b", "\u202e"} {
		if strings.Contains(page.String(), bad) || strings.Contains(text.String(), bad) {
			t.Errorf("the page or the text has %q", bad)
		}
	}
	if strings.Contains(page.String(), "<script") {
		t.Error("a name acts on the page")
	}
	for _, want := range []string{"main.(*shop).order", "main.(*bank).pay", "biased sample", "a href=\"reports/"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for _, want := range []string{"main.(*bank).pay", "biased sample", "Could not be read"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text does not have %q", want)
		}
	}
}

// TestFleetTextFits: nothing but names that cannot be broken is wider than the terminal.
func TestFleetTextFits(t *testing.T) {
	var text bytes.Buffer
	if err := FleetText(&text, sampleFleet(t, ""), FleetLinks{}, TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if first, _, _ := strings.Cut(text.String(), "\n"); !strings.Contains(first, "% of the time") {
		t.Errorf("the text does not begin with the answer: %s", first)
	}
}
