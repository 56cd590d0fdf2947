package machine

import (
	"math"
	"strconv"
	"strings"
)

// environment is how its environment sets a process's runtime: what it does not set is 0,
// and what the program has set itself is not told. It is nil where nothing is set, or the
// environment may not be read.
func (s *Sampler) environment() *Go {
	var g Go
	for variable := range strings.SplitSeq(s.read("/proc/"+s.pid+"/environ"), "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case "GOMAXPROCS":
			if n, err := strconv.ParseInt(value, 10, 32); err == nil && n > 0 {
				g.GOMAXPROCS = n
			}
		case "GOGC":
			if n, err := strconv.ParseInt(value, 10, 32); err == nil {
				g.GOGC = max(n, -1) // below 0 it is off as well
			} else if value == "off" {
				g.GOGC = -1
			}
		case "GOMEMLIMIT":
			g.GOMEMLIMIT = byteCount(value)
		}
	}
	if g == (Go{}) {
		return nil
	}
	return &g
}

// byteCount is a number of bytes as GOMEMLIMIT has it, 0 where it is none.
func byteCount(s string) int64 {
	unit := int64(1)
	s = strings.TrimSuffix(s, "B")
	for i, prefix := range []string{"Ki", "Mi", "Gi", "Ti"} {
		if short, ok := strings.CutSuffix(s, prefix); ok {
			s, unit = short, 1<<(10*(i+1))
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0
	}
	return n * unit
}
