package replaytest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// Stack is a stack, innermost frame first, of functions outermost first, each with a
// line behind a colon where it has one: in the file behind an @; else in a module's if its
// package is one that has a dot, else in one of its own.
func Stack(calls string) []report.Frame {
	var frames []report.Frame
	for _, c := range strings.Fields(calls) {
		f := report.Frame{Func: c, Line: 1}
		if at := strings.LastIndexByte(c, ':'); at >= 0 {
			f.Func = c[:at]
			fmt.Sscan(c[at+1:], &f.Line)
		}
		fn, file, _ := strings.Cut(f.Func, "@")
		f.Func, f.File = fn, cmp.Or(file, "app/"+fn+".go")
		if first, _, slash := strings.Cut(f.Func, "/"); slash && strings.Contains(first, ".") {
			f.File = first + "/x@v1.0.0/x.go"
		}
		frames = append(frames, f)
	}
	slices.Reverse(frames)
	return frames
}
