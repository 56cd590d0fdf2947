package load

import (
	"errors"

	"gmptrace/analyze/report"
)

// Decoded is an input of which there are no bytes to decode: the events that a test
// has written down. Load hands its batch on as it is.
type Decoded struct{ Batch *Batch }

// Read makes it an io.Reader, which is how the way in takes inputs.
func (Decoded) Read([]byte) (int, error) { return 0, errors.New("the events have been decoded") }

func (d Decoded) load(opt Options, sink func(*Batch) error) (report.Trace, error) {
	b := d.Batch
	return report.Trace{Name: opt.Name, Format: b.Format, Complete: true, Events: int64(len(b.Events))}, sink(b)
}
