//go:build unix

package mcp

import "syscall"

// nonblock lets an open return at once of what has become a pipe that nobody writes to.
const nonblock = syscall.O_NONBLOCK
