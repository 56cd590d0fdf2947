// Package flight keeps a server's last seconds as an execution trace, and writes them
// down when something was slow: when it is noticed, the moment is past, and the trace
// still holds it. Beside the program's events it records what the machine says, so that
// gmptrace can tell a thread that computed from one that the machine gave no CPU.
//
//	rec, err := flight.Start(flight.Config{Dir: "/var/lib/shop/traces"})
//	if err != nil {
//		log.Print(err) // the server does without
//	}
//	defer rec.Close()
//	http.ListenAndServe(addr, rec.Slow(mux, 200*time.Millisecond))
//
// A nil Recorder is one that does nothing: a server that could not start one calls the
// same methods.
//
// What makes it take a snapshot: a request that took longer than Slow's limit, an
// Observe above Config.Slow, a metric of the runtime above its threshold, Snap, and
// chance (Config.Baseline): snapshots taken because something was slow are a biased
// sample of what the server does.
//
// It needs the standard library alone. The package gmptrace/render/debugpage shows the
// report of a snapshot inside the server.
package flight
