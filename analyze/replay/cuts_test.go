package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"gmptrace/analyze"
	"gmptrace/analyze/compare"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/model/simulate"
)

// TestCuts analyses recorded traces with the facts handed on at random places, and
// with one worker or several: nothing that is said may depend on that.
func TestCuts(t *testing.T) {
	for _, file := range cutTraces(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data := readTrace(t, file)
			want := everything(t, data, replay.Options{Name: "cut", Workers: 1})
			cuts := []int{40, 3000}
			if len(data) > 200_000 { // where short parcels take long, too
				cuts = cuts[:1]
			}
			for _, most := range cuts {
				rnd := rand.New(rand.NewPCG(uint64(most), 7))
				got := everything(t, data, replay.Options{Name: "cut", Workers: 3}.Cut(func() int { return 1 + rnd.IntN(most) }))
				for name := range want {
					if !bytes.Equal(got[name], want[name]) {
						t.Errorf("%s differs when facts are handed on after 1 to %d events: %s", name, most, firstDifference(got[name], want[name]))
					}
				}
			}
		})
	}
}

// cutTraces are recorded traces of many kinds, of every Go version, whole and broken.
func cutTraces(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{
		"../../fixtures/traces/real/esbuild-*.trace", "../../fixtures/traces/real/gotest-*.trace", "../../fixtures/traces/real/staticcheck-*.trace",
		"../../fixtures/traces/real/*-race.trace", "../../fixtures/traces/incidents/*-http.trace.gz", "../../fixtures/traces/incidents/lock-syscall*.gz",
		"../../fixtures/traces/incidents/late-*r.trace.gz", "../../fixtures/traces/incidents/os-*n.trace.gz", "../../fixtures/traces/broken/*ed.trace",
		"../../fixtures/traces/real/router-*.trace", "../../fixtures/traces/real/webshop-go1.21-p2.trace",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

// readTrace reads a file, uncompressed.
func readTrace(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(file, ".gz") {
		return data
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

// everything is all that can be said of a trace, as JSON by what says it.
func everything(t *testing.T, data []byte, opt replay.Options) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	keep := func(name string, v any, err error) {
		if err != nil {
			v = err.Error()
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = text
	}
	ctx, read := context.Background(), func() io.Reader { return bytes.NewReader(data) }

	full := analyze.Options{Options: opt, Slices: 20_000, Spans: true}
	rep, err := analyze.Analyze(ctx, read(), full)
	keep("analyze", rep, err)
	if err != nil {
		return out
	}
	keep("spans", rep.Spans, nil)
	keep("timeline", timelineText(rep.Timeline), nil)

	part := full
	part.From, part.To = replay.Bound{Set: true, Offset: time.Duration(rep.Trace.DurationNS / 3)}, replay.Bound{Set: true, Offset: time.Duration(rep.Trace.DurationNS / 2)}
	rep, err = analyze.Analyze(ctx, read(), part)
	keep("part", rep, err)

	for _, sel := range []explain.Selector{{}, {Kind: report.KindRequest}, {Kind: report.KindStall}, {Kind: report.KindRegion}, {Kind: report.KindLog}, {Kind: report.KindGoroutine, Pattern: regexp.MustCompile("")},
		{Kind: report.KindRequest, Pattern: regexp.MustCompile("order|ServeHTTP")}, {Kind: report.KindRequest, Pattern: regexp.MustCompile("query|Lock")}} {
		x, err := explain.Explain(ctx, read(), opt, sel)
		keep(fmt.Sprint("explain ", sel.Kind, sel.Pattern), x, err)
	}

	var decisions bytes.Buffer
	_, err = analyze.Decisions(ctx, read(), opt, nil, func(d *analyze.Decision) error {
		fmt.Fprintf(&decisions, "%+v\n", *d)
		return nil
	})
	keep("decisions", decisions.String(), err)

	b, err := compare.Behave(ctx, read(), opt)
	if err == nil {
		keep("rates", b.Rates, nil)
		for _, s := range b.Series {
			keep("series "+string(s.Kind)+" "+s.Name, seriesText(s), nil)
		}
	}
	keep("behave", nil, err)

	w, err := whatif.Simulate(ctx, read(), opt, whatif.Settings{Schedulers: []simulate.Scheduler{simulate.GMP}, Seeds: 1, NoScaling: true})
	keep("whatif", w, err)
	return out
}

func seriesText(s compare.Series) string {
	var text strings.Builder
	for _, w := range s.Windows {
		fmt.Fprintf(&text, "%d", w.N())
		for _, q := range []float64{0, .5, .9, .99, 1} {
			fmt.Fprintf(&text, " %v", w.Quantile(q))
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// timelineText is a timeline with all that its JSON leaves out.
func timelineText(tl *report.Timeline) string {
	if tl == nil {
		return ""
	}
	var text strings.Builder
	v := reflect.ValueOf(*tl)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "Tracks" {
			fmt.Fprintf(&text, "%s %+v\n", name, v.Field(i))
		}
	}
	for _, tr := range tl.Tracks {
		fmt.Fprintf(&text, "track %+v\n", *tr)
	}
	return text.String()
}

// firstDifference shows where two texts begin to differ.
func firstDifference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	around := func(b []byte) string { return string(b[max(0, i-160):min(len(b), i+80)]) }
	return fmt.Sprintf("at byte %d\n  got …%s…\n want …%s…", i, around(got), around(want))
}
