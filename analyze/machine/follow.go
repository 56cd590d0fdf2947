package machine

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Follow samples a process until ctx is done or the process has ended, and writes a file
// with evidence to w. It fails where the process cannot be sampled at all, or w takes no
// more.
func Follow(ctx context.Context, w io.Writer, pid int, every time.Duration) error {
	s, err := NewSampler(pid)
	if err != nil {
		return err
	}
	defer s.Close()
	b := bytes.NewBufferString(Header + "\n")
	for _, rec := range s.Begin() {
		b.Write(Append(nil, rec))
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		x, err := s.Sample(false)
		if err == nil {
			b.Write(Append(nil, Record{Sample: x}))
		}
		if _, err := b.WriteTo(w); err != nil {
			return err
		}
		if err != nil {
			return nil // the process has ended
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
