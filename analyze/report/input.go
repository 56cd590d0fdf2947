package report

import "fmt"

// InputError says why an input cannot be analysed at all. Its text names the
// input, where in it, and what to do.
type InputError struct {
	Name   string
	Kind   string // empty, not-a-trace, html, pprof, not-enabled, future-version, too-large, damaged, read …
	Offset int64  // bytes into the uncompressed input; -1 when not known
	Text   string // what is wrong
	Hint   string // what to do
	Err    error  // underlying, may be nil
}

// Error names the input, where in it, what is wrong and what to do.
func (e *InputError) Error() string {
	s := fmt.Sprintf("%s: %s", e.Name, e.Text)
	if e.Offset >= 0 {
		s = fmt.Sprintf("%s: at byte %d: %s", e.Name, e.Offset, e.Text)
	}
	if e.Hint != "" {
		s += "\n" + e.Hint
	}
	return s
}

// Unwrap is the underlying error.
func (e *InputError) Unwrap() error { return e.Err }
