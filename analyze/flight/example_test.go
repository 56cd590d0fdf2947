package flight_test

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"gmptrace/analyze/flight"
)

// A server keeps its last seconds, takes a snapshot of what was slow, and hands the
// snapshots out.
func Example() {
	dir, err := os.MkdirTemp("", "flight")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	rec, err := flight.Start(flight.Config{Dir: dir, Baseline: time.Hour})
	if err != nil {
		log.Print(err) // the server does without
	}
	defer rec.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/debug/flight/", http.StripPrefix("/debug/flight", rec.Handler()))
	server := &http.Server{Addr: "localhost:8080", Handler: rec.Slow(mux, 200*time.Millisecond)}
	fmt.Println(server.Addr)
	// Output: localhost:8080
}

// A queue's worker tells how long its jobs took: one of a second or more makes the
// recorder take a snapshot.
func ExampleRecorder_Observe() {
	var rec *flight.Recorder // of flight.Start, with Config.Slow a second
	began := time.Now()
	// … the job …
	rec.Observe("import", time.Since(began))
	fmt.Println(rec.Dropped())
	// Output: 0
}

// Somebody asks for a snapshot.
func ExampleRecorder_Snap() {
	dir, err := os.MkdirTemp("", "flight")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	rec, err := flight.Start(flight.Config{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer rec.Close()
	s, err := rec.Snap("before the release")
	fmt.Println(s.Why, err)
	// Output: asked before_the_release <nil>
}
