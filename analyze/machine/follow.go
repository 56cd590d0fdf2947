package machine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// anew is after how many samples Follow looks anew at which CPUs the process may use, and
// at its quota: a program may set that itself when it starts.
const anew = 50

// Follow samples a process until ctx is done or the process has ended, and writes a file
// with evidence to w. It fails where the process cannot be sampled at all or no more
// though it has not ended, where some of its threads were not, or w takes no more: what
// was written before holds.
func Follow(ctx context.Context, w io.Writer, pid int, every time.Duration) error {
	s, err := NewSampler(pid)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.follow(ctx, w, every)
}

func (s *Sampler) follow(ctx context.Context, w io.Writer, every time.Duration) error {
	b := bytes.NewBufferString(Header + "\n")
	if g := s.environment(); g != nil {
		b.Write(Append(nil, Record{Go: g}))
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		if n%anew == 0 {
			for _, rec := range s.Begin() {
				b.Write(Append(nil, rec))
			}
		}
		x, err := s.Sample(false)
		if err == nil {
			b.Write(Append(nil, Record{Sample: x}))
		}
		if _, err := b.WriteTo(w); err != nil {
			return err
		}
		switch {
		case errors.Is(err, errEnded):
			return s.leftOut()
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return s.leftOut()
		case <-tick.C:
		}
	}
}
