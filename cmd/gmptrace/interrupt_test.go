//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupt sends the signal of Ctrl-C while gmptrace waits for input that
// never ends: it must end soon, with code 130, and leave no file behind.
func TestInterrupt(t *testing.T) {
	server := endpoints(t)
	tr, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		trace string
		pipe  bool // standard input is a pipe that has half a trace, and stays open
	}{
		{"pipe", "-", true},
		{"fifo that nobody writes", "fifo", false},
		{"endpoint", server.URL + "/stuck", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("gmptrace", "report", test.trace, "-o", "report.html")
			cmd.Dir = t.TempDir()
			fifo(t, cmd.Dir, "fifo")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if test.pipe {
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				defer in.Close()
				go in.Write(tr[:len(tr)/2])
			}
			start(t, cmd)
			await(t, "the output to be begun", func() bool { return len(list(t, cmd.Dir)) > 1 })
			interrupt(t, cmd)
			var failed *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &failed) || failed.ExitCode() != exitInterrupted {
				t.Errorf("ended with %v, want exit code %d", err, exitInterrupted)
			}
			if got, want := stderr.String(), "gmptrace: interrupted\n"; got != want {
				t.Errorf("standard error: %q, want %q", got, want)
			}
			if got := list(t, cmd.Dir); !slices.Equal(got, []string{"fifo"}) {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

// TestInterruptTwice holds gmptrace where the first Ctrl-C can't reach it,
// opening a FIFO that nobody reads; the second must kill it.
func TestInterruptTwice(t *testing.T) {
	cmd := exec.Command("gmptrace", "report", "-", "-o", "fifo")
	cmd.Dir = t.TempDir()
	fifo(t, cmd.Dir, "fifo")
	start(t, cmd)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.After(long); ; {
		select {
		case err := <-ended:
			var failed *exec.ExitError
			if !errors.As(err, &failed) || failed.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
				t.Errorf("ended with %v, want to be killed by the signal", err)
			}
			return
		case <-deadline:
			t.Fatal("is still running")
		case <-time.After(200 * time.Millisecond):
			interrupt(t, cmd)
		}
	}
}

// TestInterruptRecord interrupts gmptrace alone while it records a test, as a supervisor
// does: the test must end too, though the go command ignores the signal, and nothing be
// left behind.
func TestInterruptRecord(t *testing.T) {
	dir := t.TempDir()
	const goCommand = `#!/bin/sh
trap : INT
sh -c 'echo $$ > pid.part; mv pid.part pid; exec sleep 600'
exit 1
`
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(goCommand), 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gmptrace", "record", "-o", "t.trace", "--", "go", "test", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start(t, cmd)
	await(t, "the test to begin", func() bool { _, err := os.Stat(filepath.Join(dir, "pid")); return err == nil })
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	interrupt(t, cmd)
	var failed *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &failed) || failed.ExitCode() != exitInterrupted {
		t.Errorf("ended with %v, want exit code %d\n%s", err, exitInterrupted, stderr.String())
	}
	if got, want := stderr.String(), "gmptrace: interrupted\n"; got != want {
		t.Errorf("standard error: %q, want %q", got, want)
	}
	await(t, "the test to end", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	if got := list(t, dir); !slices.Equal(got, []string{"go", "pid"}) {
		t.Errorf("left behind: %q", got)
	}
}

func fifo(t *testing.T, dir, name string) {
	t.Helper()
	if err := syscall.Mkfifo(filepath.Join(dir, name), 0o666); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	time.AfterFunc(long, func() { cmd.Process.Kill() })
}

func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// await polls: what other processes do to a folder can only be looked at.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(long); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", long, what)
		}
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
