package machine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxThreads is how many threads are told apart. Go gives up at 10,000.
const maxThreads = 1 << 16

// maxNumber bounds what is read of a number: 146 years of nanoseconds, so that the
// difference of two, and the sum of two, is one as well.
const maxNumber = 1 << 62

// Losses is what of the evidence could not be used.
type Losses struct {
	Unknown int64 // lines and fields of another version
	Bad     int64 // lines that could not be read
	Backs   int64 // times and counters that went backwards: what was told before holds
	Threads int64 // fields of threads beyond the 65,536 that are told apart
}

// Any reports whether there are any.
func (l Losses) Any() bool { return l != Losses{} }

// Decoder reads evidence line by line, and holds it to what it said before: what it
// hands on is in order of time, and no counter falls.
type Decoder struct {
	Losses Losses

	threads map[int64]Thread
	last    Sample // its counters
	began   bool
}

// Line reads a line, without its line feed. ok is false where there is nothing in it
// that can be used; Losses counts why.
func (d *Decoder) Line(line string) (r Record, ok bool) {
	line = strings.TrimRight(line, "\r")
	name, rest, _ := strings.Cut(line, " ")
	switch name {
	case "":
		return Record{}, false
	case "machine":
		m := new(Machine)
		ok = d.fields(rest, m.set)
		r.Machine = m
	case "quota":
		q := new(Quota)
		ok = d.fields(rest, q.set) && q.Period > 0
		r.Quota = q
	case "go":
		g := new(Go)
		ok = d.fields(rest, g.set)
		r.Go = g
	case "snapshot":
		s := new(Snapshot)
		ok = d.fields(rest, s.set)
		r.Snapshot = s
	case "at":
		return d.sample(rest)
	default:
		if line != Header {
			d.Losses.Unknown++
		}
		return Record{}, false
	}
	if !ok {
		d.Losses.Bad++
	}
	return r, ok
}

// errUnknown is of a field that this version does not know.
var errUnknown = errors.New("unknown field")

// fields gives each field of a line to set, and reports whether all could be read.
func (d *Decoder) fields(line string, set func(key, value string) error) bool {
	for line != "" {
		var f string
		f, line, _ = strings.Cut(line, " ")
		key, value, is := strings.Cut(f, "=")
		if !is {
			return false
		}
		switch err := set(key, value); {
		case err == errUnknown:
			d.Losses.Unknown++
		case err != nil:
			return false
		}
	}
	return true
}

func (m *Machine) set(key, value string) (err error) {
	switch key {
	case "pid":
		m.PID, err = number(value)
	case "cpus":
		m.CPUs, err = number(value)
	case "online":
		m.Online, err = number(value)
	case "smt":
		m.SMT, err = number(value)
	case "host":
		m.Host = word(value)
	default:
		err = errUnknown
	}
	return err
}

func (q *Quota) set(key, value string) (err error) {
	switch key {
	case "cpu":
		q.CPU, err = number(value)
	case "period":
		q.Period, err = number(value)
	default:
		err = errUnknown
	}
	return err
}

func (g *Go) set(key, value string) (err error) {
	switch key {
	case "gomaxprocs":
		g.GOMAXPROCS, err = number(value)
	case "source":
		g.Source = word(value)
	case "gogc":
		if value == "off" {
			g.GOGC = -1
			return nil
		}
		g.GOGC, err = number(value)
	case "gomemlimit":
		g.GOMEMLIMIT, err = number(value)
	default:
		err = errUnknown
	}
	return err
}

func (s *Snapshot) set(key, value string) (err error) {
	switch key {
	case "took":
		s.Took, err = number(value)
		return err
	case "trigger":
		s.Trigger = word(value)
	case "name":
		s.Name = word(value)
	case "time":
		s.Time = word(value)
	case "host":
		s.Host = word(value)
	case "build":
		s.Build = word(value)
	case "trace":
		s.Trace = word(value)
	case "span":
		s.Span = word(value)
	default:
		return errUnknown
	}
	return nil
}

// sample reads what follows "at ".
func (d *Decoder) sample(line string) (Record, bool) {
	when, rest, _ := strings.Cut(line, " ")
	at, err := number(when)
	s := &Sample{At: at, Steal: -1, Stall: -1, Asleep: -1}
	if err != nil || !d.fields(rest, s.set) {
		d.Losses.Bad++
		return Record{}, false
	}
	if d.began && at < d.last.At {
		d.Losses.Backs++
		return Record{}, false
	}
	d.began, d.last.At = true, at
	d.grow(s)
	return Record{Sample: s}, true
}

func (s *Sample) set(key, value string) (err error) {
	var n [3]int64
	switch key {
	case "throttled":
		err = list(value, n[:])
		s.Throttled = &Throttled{Periods: n[0], Over: n[1], NS: n[2]}
	case "steal":
		s.Steal, err = number(value)
	case "stall":
		s.Stall, err = number(value)
	case "asleep":
		s.Asleep, err = number(value)
	default:
		id, unknown := number(key)
		if unknown != nil {
			return errUnknown
		}
		err = list(value, n[:2])
		s.Threads = append(s.Threads, Thread{ID: id, Run: n[0], Wait: n[1]})
	}
	return err
}

// grow holds the sample's counters to those before it: threads that fell are left out of
// it, other counters stay what they were.
func (d *Decoder) grow(s *Sample) {
	if d.threads == nil {
		d.threads = map[int64]Thread{}
		d.last = Sample{At: s.At, Steal: -1, Stall: -1, Asleep: -1}
	}
	kept := s.Threads[:0]
	for _, t := range s.Threads {
		was, known := d.threads[t.ID]
		switch {
		case !known && len(d.threads) == maxThreads:
			d.Losses.Threads++
		case t.Run < was.Run || t.Wait < was.Wait:
			d.Losses.Backs++ // or the id of a thread that ended is another's now: it counts from here
			d.threads[t.ID] = t
		default:
			d.threads[t.ID] = t
			kept = append(kept, t)
		}
	}
	s.Threads = kept
	d.notBack(&s.Steal, &d.last.Steal)
	d.notBack(&s.Stall, &d.last.Stall)
	d.notBack(&s.Asleep, &d.last.Asleep)
	if t, was := s.Throttled, d.last.Throttled; t != nil {
		if was != nil && (t.Periods < was.Periods || t.Over < was.Over || t.NS < was.NS) {
			d.Losses.Backs++
			s.Throttled = was
		}
		d.last.Throttled = s.Throttled
	}
}

// notBack keeps a counter that is told at what it was, if it fell.
func (d *Decoder) notBack(n, was *int64) {
	switch {
	case *n < 0:
	case *n < *was:
		d.Losses.Backs++
		*n = *was
	default:
		*was = *n
	}
}

// number reads one that is not negative and not beyond maxNumber.
func number(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n > maxNumber {
		return 0, fmt.Errorf("%q is no number from 0 to 2^62", s)
	}
	return int64(n), nil
}

// list reads as many numbers as there is room for in to; further ones are for later
// versions.
func list(s string, to []int64) error {
	for i := range to {
		var one string
		one, s, _ = strings.Cut(s, ",")
		n, err := number(one)
		if err != nil {
			return err
		}
		to[i] = n
	}
	return nil
}

// Read reads a file with evidence and hands each record to use. What cannot be read in
// it is passed over, and counted. It fails where the file is none of this format, or
// cannot be read on.
func Read(r io.Reader, use func(Record)) (Losses, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 4096), 1<<16)
	if !in.Scan() || strings.TrimRight(in.Text(), "\r") != Header {
		if err := in.Err(); err != nil {
			return Losses{}, err
		}
		return Losses{}, fmt.Errorf("its first line is not %q: it holds no evidence of a machine, or that of another version", Header)
	}
	var d Decoder
	for in.Scan() {
		if rec, ok := d.Line(in.Text()); ok {
			use(rec)
		}
	}
	return d.Losses, in.Err()
}
