package render

import (
	"fmt"
	"path"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// samples writes those of the CPU profiler, last of a block: 0 where there are none.
//
//	all, every, n, at…, p…, g…, thread…, stack…
//	frames: bytes, text      functions and places, a line each
//	stacks: n, each          n, frame…
func (e *encoder) samples(s *report.CPUSamples) {
	e.uvarint(uint64(s.All))
	if s.All == 0 {
		return
	}
	e.uvarint(uint64(s.Every))
	instants(e, s.List, func(x report.CPUSample) int64 { return x.At })
	for _, x := range s.List {
		e.varint(int64(x.P))
	}
	for _, x := range s.List {
		e.varint(int64(x.G))
	}
	for _, x := range s.List {
		e.varint(int64(x.M))
	}
	for _, x := range s.List {
		e.uvarint(uint64(x.Stack))
	}
	var frames lines
	var stacks encoder
	stacks.uvarint(uint64(len(s.Stacks)))
	for _, stack := range s.Stacks {
		stacks.frames(stack, &frames)
	}
	e.text(frames.text)
	e.buf = append(e.buf, stacks.buf...)
}

// frames writes the innermost calls of a stack, by their numbers in a text.
func (e *encoder) frames(stack []report.Frame, of *lines) {
	stack = stack[:min(len(stack), shownFrames)]
	e.uvarint(uint64(len(stack)))
	for _, f := range stack {
		e.uvarint(uint64(of.number(words.Printable(f.Func) + "\t" + words.Printable(fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)))))
	}
}
