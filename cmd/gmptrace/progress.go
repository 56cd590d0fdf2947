package main

import (
	"io"
	"os"
	"strconv"
	"sync"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/words"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is a bar on standard error: bytes read, events, time left. The zero
// progress shows nothing.
type progress struct {
	mu   sync.Mutex // update is called from another goroutine, perhaps once more after close
	bar  *progressbar.ProgressBar
	told func(replay.Progress) // instead of a bar; nil for none
}

// progress begins a bar for in, if a person is there to see it.
func (an *analysis) progress(in *input) *progress {
	if an.host != nil {
		return &progress{told: an.host.Progress}
	}
	if an.quiet || !isTerminal(an.stderr) {
		return &progress{}
	}
	size := in.size
	if size == 0 {
		size = -1 // not known: the bar spins
	}
	return &progress{bar: progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(an.stderr),
		progressbar.OptionSetDescription("reading"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionClearOnFinish(),
	)}
}

func (p *progress) update(at replay.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told != nil {
		p.told(at)
	}
	if p.bar == nil {
		return
	}
	p.bar.Describe(words.Text(words.Plural(at.Events, "event")))
	// An error here is one of standard error: nowhere to tell it.
	_ = p.bar.Set64(at.Bytes)
}

// close takes the bar off the screen.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish()
		_ = p.bar.Clear()
	}
	p.bar = nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// outputWidth is how wide text for w is to be: what COLUMNS says, which shells keep for
// their terminal and others set for a pipe; else the terminal's width, 0 for none.
func outputWidth(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return min(n, 1000)
	}
	width, _ := terminalSize(w)
	return width
}

// terminalSize is the size of w in columns and lines; 0 when it is no terminal.
func terminalSize(w io.Writer) (width, height int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}
