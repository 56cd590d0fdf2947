package machine

import "io"

// Evidence is all that a file holds.
type Evidence struct {
	Records []Record
	Losses  Losses
}

// maxRecords bounds what is kept of a file: two hours of samples every 10 ms.
const maxRecords = 720_000

// maxReadings bounds what is kept of threads, of which a sample can have many.
const maxReadings = 4_000_000

// ReadAll reads a file with evidence. Records beyond 720,000, or beyond 4,000,000 readings
// of threads, are not kept, and counted as lines that could not be read.
func ReadAll(r io.Reader) (*Evidence, error) {
	var e Evidence
	beyond, readings := int64(0), 0
	losses, err := Read(r, func(rec Record) {
		if rec.Sample != nil {
			readings += len(rec.Sample.Threads)
		}
		if len(e.Records) == maxRecords || readings > maxReadings {
			beyond++
			return
		}
		e.Records = append(e.Records, rec)
	})
	e.Losses = losses
	e.Losses.Bad += beyond
	return &e, err
}
