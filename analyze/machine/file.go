package machine

import "io"

// Evidence is all that a file holds.
type Evidence struct {
	Records []Record
	Losses  Losses
}

// maxRecords bounds what is kept of a file: two hours of samples every 10 ms.
const maxRecords = 720_000

// ReadAll reads a file with evidence. Records beyond 720,000 are not kept, and counted as
// lines that could not be read.
func ReadAll(r io.Reader) (*Evidence, error) {
	var e Evidence
	beyond := int64(0)
	losses, err := Read(r, func(rec Record) {
		if len(e.Records) == maxRecords {
			beyond++
			return
		}
		e.Records = append(e.Records, rec)
	})
	e.Losses = losses
	e.Losses.Bad += beyond
	return &e, err
}
