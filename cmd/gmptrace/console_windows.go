package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// colours tells whether a console shows colours. It has it do so: consoles that are not told
// to print the sequences themselves.
func colours(console *os.File) bool {
	handle := windows.Handle(console.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
