package machine

import (
	"slices"
	"strconv"
	"strings"
)

// Append writes a record's lines behind dst, each with a line feed.
func Append(dst []byte, r Record) []byte {
	switch {
	case r.Machine != nil:
		return r.Machine.append(dst)
	case r.Quota != nil:
		dst = append(dst, "quota"...)
		dst = field(dst, "cpu", r.Quota.CPU)
		dst = field(dst, "period", r.Quota.Period)
	case r.Go != nil:
		return r.Go.append(dst)
	case r.Sample != nil:
		return r.Sample.append(dst)
	case r.Snapshot != nil:
		return r.Snapshot.append(dst)
	default:
		return dst
	}
	return append(dst, '\n')
}

func (m *Machine) append(dst []byte) []byte {
	dst = append(dst, "machine"...)
	dst = field(dst, "pid", m.PID)
	dst = field(dst, "cpus", m.CPUs)
	dst = field(dst, "online", m.Online)
	dst = field(dst, "smt", m.SMT)
	return append(text(dst, "host", m.Host), '\n')
}

func (g *Go) append(dst []byte) []byte {
	dst = append(dst, "go"...)
	dst = field(dst, "gomaxprocs", g.GOMAXPROCS)
	dst = text(dst, "source", g.Source)
	if g.GOGC < 0 {
		dst = append(dst, " gogc=off"...)
	} else {
		dst = field(dst, "gogc", g.GOGC)
	}
	dst = field(dst, "gomemlimit", g.GOMEMLIMIT)
	return append(dst, '\n')
}

func (s *Snapshot) append(dst []byte) []byte {
	dst = text(append(dst, "snapshot"...), "trigger", s.Trigger)
	dst = text(dst, "name", s.Name)
	dst = field(dst, "took", s.Took)
	dst = text(dst, "time", s.Time)
	dst = text(dst, "host", s.Host)
	dst = text(dst, "build", s.Build)
	dst = text(dst, "trace", s.Trace)
	return append(text(dst, "span", s.Span), '\n')
}

// append writes the sample in as many lines as it needs. The machine's own counters
// come first, so that they are there whatever is cut off.
func (s *Sample) append(dst []byte) []byte {
	line := len(dst)
	begin := func() { dst = strconv.AppendInt(append(dst, "at "...), s.At, 10) }
	begin()
	if t := s.Throttled; t != nil {
		dst = field(dst, "throttled", t.Periods, t.Over, t.NS)
	}
	if s.Steal >= 0 {
		dst = field(dst, "steal", s.Steal)
	}
	if s.Stall >= 0 {
		dst = field(dst, "stall", s.Stall)
	}
	if s.Asleep >= 0 {
		dst = field(dst, "asleep", s.Asleep)
	}
	for _, t := range s.Threads {
		was := len(dst)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, t.ID, 10)
		dst = numbers(append(dst, '='), t.Run, t.Wait)
		if len(dst)-line <= MaxLine {
			continue
		}
		told := slices.Clone(dst[was:])
		dst = append(dst[:was], '\n')
		line = len(dst)
		begin()
		dst = append(dst, told...)
	}
	return append(dst, '\n')
}

// field writes KEY=N,N… with a space before it.
func field(dst []byte, key string, n ...int64) []byte {
	dst = append(dst, ' ')
	dst = append(dst, key...)
	return numbers(append(dst, '='), n...)
}

func numbers(dst []byte, list ...int64) []byte {
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	return dst
}

// text writes KEY=TEXT with a space before it, if there is any text.
func text(dst []byte, key, s string) []byte {
	if s = word(s); s == "" {
		return dst
	}
	return append(append(append(append(dst, ' '), key...), '='), s...)
}

// word is a text without what would end a field or a line, of 64 bytes at the most.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == '=' || r == 0x7f || r > 0x7e {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), 64)]
}
