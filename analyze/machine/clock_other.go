//go:build !linux

package machine

var clock func() (monotonic, boot int64)
