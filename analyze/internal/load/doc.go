// Package load turns bytes into batches of events, and says what was lost. It alone
// reads the format of Go's tracer.
//
//	             ┌─ wire: 1.22 and later ──────────────┐
//	splitter ──▶ │        │ doubt                      ├──▶ batches in order ──▶ sink
//	             └────────▼ golang.org/x/exp/trace ────┘
//
// The own decoder (wire*.go) goes from the wire format straight to model.Event. It
// accepts no more than golang.org/x/exp/trace does, and knows no errors: what looks
// odd to it, that package reads again, from the beginning of the generation, and has
// the last word (own.go). What that can't read of a generation that was cut short it
// reads as far as threads had written it (salvage.go).
package load
