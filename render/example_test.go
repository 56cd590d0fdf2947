package render_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"gmptrace/analyze"
	"gmptrace/analyze/replay"
	"gmptrace/render"
)

// A report is one page that needs nothing else.
func ExampleHTML() {
	f, err := os.Open("../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	report, err := analyze.Analyze(context.Background(), f, analyze.Options{Options: replay.Options{Name: "webshop"}, Slices: 10_000})
	if err != nil {
		log.Fatal(err)
	}
	var page bytes.Buffer
	if err := render.HTML(&page, report); err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(page.String(), "<!doctype html>"), strings.Contains(page.String(), "main.(*shop)"))
	// Output: true true
}
