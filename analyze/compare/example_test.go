package compare_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/replay"
)

// Sets compares the traces of two builds. What is no more than chance is a ~.
func ExampleSets() {
	behave := func(name string) *compare.Behaviour {
		f, err := os.Open("../../fixtures/traces/real/" + name)
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		b, err := compare.Behave(context.Background(), f, replay.Options{Name: name})
		if err != nil {
			log.Fatal(err)
		}
		return b
	}
	old := []*compare.Behaviour{behave("webshop-go1.26-p2-endpoint.trace")}
	new := []*compare.Behaviour{behave("webshop-go1.26-p4.trace")}
	for _, c := range compare.Sets(old, new, compare.Options{}).Changes {
		if c.Kind == compare.SeriesRequest && c.Stat == "mean" && c.Name != "" {
			fmt.Println(c.Text(), "is", c.Verdict)
		}
	}
	same := compare.Sets(old, old, compare.Options{})
	fmt.Println("with itself:", same.Changes[0].Verdict)
	// Output:
	// request main.(*shop).ServeHTTP mean is worse
	// with itself: ~
}
