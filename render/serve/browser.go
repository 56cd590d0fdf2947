package serve

import (
	"errors"
	"html/template"
	"os"
	"os/exec"
	"runtime"
)

// opener is the command that opens a file in the user's browser.
func opener(file string) *exec.Cmd {
	switch runtime.GOOS {
	case "darwin":
		return exec.Command("open", file)
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", file)
	}
	return exec.Command("xdg-open", file)
}

// onward is a page that leads to an address.
var onward = template.Must(template.New("onward").Parse(`<!doctype html>
<meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0; url={{.}}">
<title>gmptrace</title><p><a href="{{.}}">The report</a></p>
`))

// Open opens an address in the user's browser by way of a file that only the user
// can read: all users see the arguments of a command, and the address lets in who knows it.
// end removes the file.
func Open(address string) (end func(), err error) {
	f, err := os.CreateTemp("", "gmptrace-*.html")
	if err != nil {
		return func() {}, err
	}
	end = func() { os.Remove(f.Name()) }
	if err := errors.Join(onward.Execute(f, address), f.Close()); err != nil {
		return end, err
	}
	cmd := opener(f.Name())
	if err := cmd.Start(); err != nil {
		return end, err
	}
	go func() { _ = cmd.Wait() }() // how it ends is between the user and the browser
	return end, nil
}
