//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// asGroup makes what cmd starts a group of processes, which is interrupted as one: the go
// command alone ignores the signal while a test runs, as it counts on a terminal to send
// it to all.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}

// killGroup ends those of the group that the signal did not.
func killGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
