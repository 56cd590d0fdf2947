package names

import (
	"strings"

	"gmptrace/analyze/report"
)

// loggers are parts of the names of functions that write what is logged with a lock held,
// as all loggers do whose lines are to stay whole.
var loggers = []string{"log.(*Logger).output", "log.(*Logger).Output", "log/slog.(*commonHandler).handle", "log/slog.(*JSONHandler).Handle", "log/slog.(*TextHandler).Handle",
	"sirupsen/logrus.(*Entry).write", "sirupsen/logrus.(*MutexWrap).Lock", "sirupsen/logrus.(*mutexWrap).Lock", "go.uber.org/zap/zapcore.(*lockedWriteSyncer).Write", "rs/zerolog.(*syncWriter).Write", "rs/zerolog.syncWriter.Write"}

// Logs reports whether a stack waits for the lock of a logger: for who writes a line.
func Logs(frames []report.Frame) bool {
	for i := range frames {
		for _, l := range loggers {
			if before, ok := strings.CutSuffix(frames[i].Func, l); ok && (before == "" || strings.HasSuffix(before, "/") && strings.Contains(l, "/")) {
				return true
			}
		}
		if !HasPrefix(frames[i].Func, WaitPackages) {
			return false
		}
	}
	return false
}

// LoggerAdvice is what to do about waits for the lock of a logger.
const LoggerAdvice = "Lines are written one after the other, with the logger's lock held: see what reads or stores them (a pipe that nobody empties, a slow disk or network), write them through a buffer that a goroutine of its own empties, or log less."
