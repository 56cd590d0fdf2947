package analyze_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"regexp"
	"runtime/trace"
	"strings"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

// A test can trace the code that it tests, and fail if the scheduler got in its
// way.
func ExampleAnalyze_inTest() {
	checkScheduling := func(t testing.TB, run func()) {
		var buf bytes.Buffer
		if err := trace.Start(&buf); err != nil {
			t.Skip("a trace is being taken already: ", err) // go test -trace
		}
		run()
		trace.Stop()
		rep, err := analyze.Analyze(context.Background(), &buf, analyze.Options{Options: replay.Options{Name: t.Name()}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range rep.Findings {
			if f.Severity.AtLeast(report.SeverityCritical) {
				t.Errorf("%s: %s", f.Title, f.Why)
			}
		}
	}
	_ = checkScheduling
}

// Analyze says what the scheduler did, and what is wrong, worst first.
func ExampleAnalyze() {
	f, err := os.Open("../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	report, err := analyze.Analyze(context.Background(), f, analyze.Options{Options: replay.Options{Name: "webshop"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Trace.Program, "on Go", report.Trace.GoVersion)
	for _, f := range report.Findings {
		if f.ID == "hog" {
			fmt.Println("hog:", f.Severity)
		}
	}
	for _, s := range report.Dispatches.Sources {
		if s.Source == "steal" && s.Count > 0 {
			fmt.Println("goroutines were stolen")
		}
	}
	// Output:
	// webshop on Go 1.26
	// hog: info
	// goroutines were stolen
}

// Explain says where the time of the slowest requests went.
func ExampleExplain() {
	f, err := os.Open("../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	x, err := explain.Explain(context.Background(), f, replay.Options{Name: "webshop"},
		explain.Selector{Kind: report.KindRequest, Pattern: regexp.MustCompile("ServeHTTP"), Top: 1})
	if err != nil {
		log.Fatal(err)
	}
	slowest := x.Slowest[0]
	var sum int64
	for _, c := range slowest.Causes {
		sum += c.NS
	}
	fmt.Println("every nanosecond has a cause:", sum == slowest.Duration)
	fmt.Println("most of it:", slowest.Causes[0].Text)
	fmt.Println("behind:", strings.TrimPrefix(slowest.Antagonists[0].Func, "main."))
	// Output:
	// every nanosecond has a cause: true
	// most of it: waiting on a channel receive for a goroutine that was waiting for the garbage collector
	// behind: price
}
