package machine

import (
	"syscall"
	"unsafe"
)

// The kernel's numbers of clocks.
const (
	clockMonotonic = 1
	clockBoottime  = 7
)

// clock tells the time since the machine started, without and with the time that it was
// suspended; the second is 0 where that is not known.
var clock = func() (monotonic, boot int64) { return readClock(clockMonotonic), readClock(clockBoottime) }

func readClock(id uintptr) int64 {
	var t syscall.Timespec
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		return 0
	}
	return t.Nano()
}
