package policy_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"gmptrace/analyze"
	"gmptrace/analyze/policy"
	"gmptrace/analyze/replay"
)

func Example() {
	rules, err := policy.Load("policy.yaml", []byte(`
version: 1
rules:
  - name: requests
    for: requests
    expr: it.max < s(2)
  - name: no-leak
    expr: goroutines.peak < 1000
`))
	if err != nil {
		log.Fatal(err)
	}
	f, err := os.Open("../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	report, err := analyze.Analyze(context.Background(), f, analyze.Options{Options: replay.Options{Name: "app.trace"}, Spans: true})
	if err != nil {
		log.Fatal(err)
	}
	results, err := rules.Check(context.Background(), report)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		fmt.Println(r.ID, r.Status)
	}
	// Output:
	// requests pass
	// no-leak pass
}
