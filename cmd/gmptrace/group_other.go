//go:build !unix

package main

import "os/exec"

// asGroup leaves it at what exec does, which kills the go command: where there are no
// groups, Ctrl-C reaches all processes of the console.
func asGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
