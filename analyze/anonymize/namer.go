package anonymize

import (
	"strconv"
	"strings"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/machine"
	"gmptrace/analyze/report"
)

// namer gives out names, the same to what is equal. It keeps all that it was asked for.
type namer struct {
	name         string // of the trace
	known        known
	packages     map[string]*pkg
	packageCount int
	keptPackages map[string]bool
	texts        [load.NumUses]map[string]string
	counts       map[string]int    // by word: names that have it and a number
	keptFiles    map[string]string // the kept package that a file is of
	dirs         map[string]string
	threads      map[uint64]uint64
	pcs          map[uint64]uint64
	renamed      []Renamed
	evidence     int64

	size, room int64 // bytes that all of them take, roughly, and may
}

// entryBytes is what an entry of the tables takes beside its texts.
const entryBytes = 160

func newNamer(opt Options) *namer {
	room := opt.MaxMemory
	if room <= 0 {
		room = load.DefaultMaxMemory
	}
	n := &namer{
		name: opt.Name, known: newKnown(opt.Keep), room: room,
		packages: map[string]*pkg{}, keptPackages: map[string]bool{}, counts: map[string]int{}, keptFiles: map[string]string{}, dirs: map[string]string{},
		threads: map[uint64]uint64{}, pcs: map[uint64]uint64{},
	}
	for i := range n.texts {
		n.texts[i] = map[string]string{}
	}
	return n
}

// Err is of names that take more memory than is allowed: a file can have any number.
func (n *namer) Err() error {
	if n.size <= n.room {
		return nil
	}
	return &report.InputError{Name: n.name, Kind: "limit", Offset: -1, Text: "the trace has more different names than there is memory allowed for",
		Hint: "Raise --max-memory, or record for a shorter time."}
}

// Thread numbers threads from 1.
func (n *namer) Thread(id uint64) uint64 { return n.numbered(n.threads, id) }

// PC numbers program counters from 1: with the program at hand, its own would tell the
// functions. 0 is none.
func (n *namer) PC(pc uint64) uint64 {
	if pc == 0 {
		return 0
	}
	return n.numbered(n.pcs, pc)
}

func (n *namer) numbered(by map[uint64]uint64, id uint64) uint64 {
	x, ok := by[id]
	if !ok {
		x = uint64(len(by)) + 1
		by[id] = x
		n.size += entryBytes / 2
	}
	return x
}

// wordOf is what names of a use are made of, where the word is all there is but a number.
var wordOf = [load.NumUses]string{
	load.UseReason: "reason", load.UseLabel: "reason", load.UsePause: "reason",
	load.UseTask: "task", load.UseRegion: "region", load.UseCategory: "category", load.UseMessage: "message",
}

// Text is what stands for a string.
func (n *namer) Text(use load.Use, s string) string {
	if to, ok := n.texts[use][s]; ok {
		return to
	}
	to, kind := "", wordOf[use]
	switch {
	case use == load.UseCategory && s == machine.Category:
		to = s
	case use == load.UseFunc:
		to, kind = n.function(s), "function"
	case use == load.UseFile:
		to, kind = n.file(s), "file"
	default:
		to = n.next(wordOf[use])
	}
	n.texts[use][s] = to
	n.rename(kind, s, to)
	return to
}

// rename notes what stands for a name.
func (n *namer) rename(kind, from, to string) {
	n.size += int64(len(from)+len(to)) + entryBytes
	if from != to {
		n.renamed = append(n.renamed, Renamed{kind, from, to})
	}
}

// next is a word with the next of its numbers.
func (n *namer) next(word string) string {
	n.counts[word]++
	return word + strconv.Itoa(n.counts[word])
}

// Evidence is a line of what the machine said, without what names it: its counters, with
// threads and the clock as they are in all of the trace.
func (n *namer) Evidence(line string, back int64) string {
	n.evidence++
	line, _, _ = strings.Cut(line, "\n")
	var d machine.Decoder // a new one: what it makes of a line depends on none before
	rec, ok := d.Line(line)
	if !ok {
		return ""
	}
	switch {
	case rec.Machine != nil:
		rec.Machine.Host = ""
		if rec.Machine.PID != 0 { // it is the main thread's, on Linux
			rec.Machine.PID = int64(n.Thread(uint64(rec.Machine.PID)))
		}
	case rec.Go != nil:
		rec.Go.Source = oneOf(rec.Go.Source, "env quota cpus set")
	case rec.Snapshot != nil:
		n.snapshot(rec.Snapshot)
	case rec.Sample != nil:
		if back < 0 || rec.Sample.At < back {
			return ""
		}
		rec.Sample.At -= back
		for i := range rec.Sample.Threads {
			t := &rec.Sample.Threads[i]
			t.ID = int64(n.Thread(uint64(t.ID)))
		}
	}
	line, _, _ = strings.Cut(string(machine.Append(nil, rec)), "\n")
	return line
}

func (n *namer) snapshot(s *machine.Snapshot) {
	*s = machine.Snapshot{Trigger: oneOf(s.Trigger, "slow observed metric baseline asked"), Name: s.Name, Took: s.Took}
	if s.Name != "" {
		to := n.next("name")
		n.rename("name", s.Name, to)
		s.Name = to
	}
}

// oneOf is s if it is one of some words, else "".
func oneOf(s, all string) string {
	for _, w := range strings.Fields(all) {
		if s == w {
			return s
		}
	}
	return ""
}
