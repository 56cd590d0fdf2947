package explain_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

// TestPopulations: each request has one handler or none that shows. So what is explained
// of each handler, and those without, are together all requests, as the tables have them:
// those that ended there by count and time, and those that had not by count.
func TestPopulations(t *testing.T) {
	var unfinished int64
	for _, file := range []string{"router-go1.26-p2", "webshop-go1.21-p2"} {
		data, err := os.ReadFile("../../fixtures/traces/real/" + file + ".trace")
		if err != nil {
			t.Fatal(err)
		}
		of := func(pattern string, open bool) *report.Explanation {
			sel := explain.Selector{Kind: report.KindRequest, Served: true, Pooled: pattern == "", Open: open}
			if pattern != "" {
				sel.Pattern = regexp.MustCompile(pattern)
			}
			x, err := explain.Explain(t.Context(), bytes.NewReader(data), replay.Options{}, sel)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Spans: true})
		if err != nil {
			t.Fatal(err)
		}
		var all, total int64
		for _, s := range rep.Spans {
			if s.Kind != report.KindRequest || s.Sent {
				continue
			}
			all += s.Count + s.Open
			total += s.Total
			if s.Name == "" {
				continue
			}
			pattern := "^" + regexp.QuoteMeta(s.Name) + "$"
			x, open := of(pattern, false), of(pattern, true)
			unfinished += s.Open
			if x.Durations.Count != s.Count+s.Open || x.Unfinished != s.Open || open.Durations.Count != s.Open || x.Durations.Total != s.Total+open.Durations.Total ||
				x.Durations.Max != max(s.Max, open.Durations.Max) || s.Open == 0 && x.Durations.P50 != s.P50 {
				t.Errorf("%s: %s: %+v are explained, %+v of them unfinished, the table has %+v", file, s.Name, x.Durations, open.Durations, s)
			}
			for _, in := range x.Slowest {
				if in.Name != s.Name {
					t.Errorf("%s: one of %s is called %q", file, s.Name, in.Name)
				}
			}
			var causes int64
			for _, c := range x.Causes {
				causes += c.NS
			}
			if causes != x.Durations.Total {
				t.Errorf("%s: %s: causes sum to %d ns of %d", file, s.Name, causes, x.Durations.Total)
			}
		}
		x, open := of("", false), of("", true)
		if x.Durations.Count != all || x.Durations.Total != total+open.Durations.Total || x.Unfinished != open.Durations.Count {
			t.Errorf("%s: %d requests of %d ns are explained, %d of %d ns of them unfinished, the tables have %d, those that ended of %d ns", file,
				x.Durations.Count, x.Durations.Total, open.Durations.Count, open.Durations.Total, all, total)
		}
	}
	if unfinished == 0 {
		t.Error("no request of a handler that shows is unfinished: nothing is tested of how they count")
	}
}

// TestRouter: behind a router and middleware, the handlers are those of the program that
// was recorded, also where a type of its own makes functions handlers. /health never
// waits: nothing shows it but a preemption, if at all.
func TestRouter(t *testing.T) {
	data, err := os.ReadFile("../../fixtures/traces/real/router-go1.26-p2.trace")
	if err != nil {
		t.Fatal(err)
	}
	rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Spans: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"main.(*store).users": true, "main.(*store).user": true, "main.(*store).order": true, "main.(*store).items": true, "main.(*store).report": true}
	for _, s := range rep.Spans {
		if s.Kind == report.KindRequest && !s.Sent {
			if !want[s.Name] && s.Name != "" && s.Name != "main.health" {
				t.Errorf("%d requests of %q", s.Count, s.Name)
			}
			delete(want, s.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	x, err := explain.Explain(t.Context(), bytes.NewReader(data), replay.Options{}, explain.Selector{Kind: report.KindRequest, Pattern: regexp.MustCompile("checkout")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(x.Headline, "but others: ") || !strings.Contains(x.Headline, "main.(*store).order") {
		t.Errorf("no handler matches, and none is named: %s", x.Headline)
	}
}
