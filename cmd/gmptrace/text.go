package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"gmptrace/analyze/words"
	"gmptrace/cmd/gmptrace/mcp"
	"gmptrace/render"
)

// textOptions suit what was read of a trace, and the file that the text goes to, "-" or ""
// for standard output.
func (an *analysis) textOptions(trace, out string) render.TextOptions {
	opt := textOptions(an.stdout)
	if out != "" && out != "-" {
		opt = render.TextOptions{}
	}
	if an.host != nil {
		opt.Width = mcp.Width
	}
	opt.Trace = an.shellWords(trace)
	opt.Window = strings.Join(slices.Concat(given("--from", an.from.text), given("--to", an.to.text)), " ")
	return opt
}

// textOptions suit a terminal or a file.
func textOptions(stdout io.Writer) render.TextOptions {
	_, height := terminalSize(stdout)
	console, _ := stdout.(*os.File)
	return render.TextOptions{
		// https://no-color.org
		Color:  isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && colours(console),
		Width:  outputWidth(stdout),
		Height: height,
	}
}

// shellWords are what a command to go on with calls a trace, with the flags that say how
// it is read; TRACE for what is not there to be read again, or has a name that must not
// be shown.
func (an *analysis) shellWords(trace string) string {
	if !an.isFile(trace) || words.Printable(trace) != trace || words.Printable(an.machine) != an.machine {
		return "TRACE"
	}
	args := slices.Concat(given("--machine", an.machine), given("--go-version", string(an.goVersion)))
	if strings.HasPrefix(trace, "-") {
		trace = "./" + trace
	}
	return strings.Join(append(args, words.Shell(trace)), " ")
}

// given is a flag with its value, if it has one.
func given(flag, value string) []string {
	if value == "" {
		return nil
	}
	return []string{flag, words.Shell(value)}
}
