package compare_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"gmptrace/analyze"
	"gmptrace/analyze/compare"
)

// Sets compares the traces of two builds. What is no more than chance is a ~.
func ExampleSets() {
	behave := func(name string) *analyze.Behaviour {
		f, err := os.Open("../../fixtures/traces/real/" + name)
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		b, err := analyze.Behave(context.Background(), f, analyze.ReadOptions{Name: name})
		if err != nil {
			log.Fatal(err)
		}
		return b
	}
	old := []*analyze.Behaviour{behave("webshop-go1.26-p2-endpoint.trace")}
	new := []*analyze.Behaviour{behave("webshop-go1.26-p4.trace")}
	for _, c := range compare.Sets(old, new, compare.Options{}).Changes {
		if c.Kind == analyze.SeriesRequest && c.Stat == "p50" && c.Name != "" {
			fmt.Println(c.Text(), "is", c.Verdict)
		}
	}
	same := compare.Sets(old, old, compare.Options{})
	fmt.Println("with itself:", same.Changes[0].Verdict)
	// Output:
	// request main.(*shop).ServeHTTP p50 is worse
	// with itself: ~
}
