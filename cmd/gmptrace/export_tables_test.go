//go:build unix

package main

import (
	"errors"
	"os/exec"
	"testing"
)

// TestInterruptTables sends the signal of Ctrl-C while tables are made: neither they nor
// what they were to be made of is left.
func TestInterruptTables(t *testing.T) {
	tr, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gmptrace", "export", "--format", "parquet", "-o", "app", "-")
	cmd.Dir = t.TempDir()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	go in.Write(tr[:len(tr)/2])
	start(t, cmd)
	await(t, "the folder to be begun", func() bool { return len(list(t, cmd.Dir)) > 0 })
	interrupt(t, cmd)
	var failed *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &failed) || failed.ExitCode() != exitInterrupted {
		t.Errorf("ended with %v, want exit code %d", err, exitInterrupted)
	}
	if left := list(t, cmd.Dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
