package main

import (
	"regexp"
	"strconv"
	"strings"

	"gmptrace/analyze/whatif"

	"github.com/spf13/pflag"
)

// changeFlags say how the program is to be changed.
type changeFlags struct {
	faster         []string
	withoutLock    string
	withoutSyscall string
	gc             string
	pools          []string
}

// gcAsRecorded is the collector as it was.
const gcAsRecorded = "recorded"

// addFlags adds them.
func (c *changeFlags) addFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&c.faster, "faster", nil, "functions that a regular expression matches, with what they call, compute less: `REGEXP=SHARE`, such as 'main\\.pack=20%'; may be given several times")
	f.StringVar(&c.withoutLock, "without-lock", "", "nobody waits for mutexes in functions that lock them and match `REGEXP`")
	f.StringVar(&c.withoutSyscall, "without-syscall", "", "functions that match `REGEXP` make no system calls")
	f.StringVar(&c.gc, "gc", gcAsRecorded, "`HOW` often the collector runs: recorded, half, off, or gogc=N as with GOGC=N")
	f.StringArrayVar(&c.pools, "pool", nil, "as many goroutines do the jobs of those that start with a function that matches: `REGEXP=N`, such as 'main\\.worker=16'; may be given several times")
}

// changes reports whether they ask for any.
func (c *changeFlags) changes() bool {
	return len(c.faster) > 0 || len(c.pools) > 0 || c.withoutLock != "" || c.withoutSyscall != "" || c.gc != gcAsRecorded && c.gc != ""
}

// change is what they ask for.
func (c *changeFlags) change() (whatif.Change, error) {
	var out whatif.Change
	for _, text := range c.faster {
		f, err := faster(text)
		if err != nil {
			return out, err
		}
		out.Faster = append(out.Faster, f)
	}
	for _, x := range []struct {
		flag, text string
		to         **regexp.Regexp
	}{{"--without-lock", c.withoutLock, &out.WithoutLock}, {"--without-syscall", c.withoutSyscall, &out.WithoutSyscall}} {
		if x.text == "" {
			continue
		}
		re, err := regexp.Compile(x.text)
		if err != nil {
			return out, usagef("%s: %v", x.flag, err)
		}
		*x.to = re
	}
	for _, text := range c.pools {
		p, err := pool(text)
		if err != nil {
			return out, err
		}
		out.Pools = append(out.Pools, p)
	}
	return out, c.setGC(&out)
}

// mostGOGC is the greatest GOGC that can be asked for.
const mostGOGC = 100_000

// setGC reads how the collector is to run.
func (c *changeFlags) setGC(out *whatif.Change) error {
	switch c.gc {
	case gcAsRecorded, "":
		return nil
	case string(whatif.GCHalf), string(whatif.GCOff):
		out.GC = whatif.GC(c.gc)
		return nil
	}
	text, ok := strings.CutPrefix(c.gc, string(whatif.GCTo)+"=")
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 1 || n > mostGOGC {
		return usagef("--gc %q: need recorded, half, off, or gogc=N with N from 1 to %d", printableName(c.gc), mostGOGC)
	}
	out.GC, out.GOGC = whatif.GCTo, n
	return nil
}

// mostWorkers is the most goroutines of a pool that can be asked for.
const mostWorkers = 100_000

// pool reads REGEXP=N.
func pool(text string) (whatif.Pool, error) {
	var out whatif.Pool
	i := strings.LastIndexByte(text, '=')
	if i <= 0 {
		return out, usagef("--pool %q: need a regular expression and a number of goroutines, such as 'main\\.worker=16'", printableName(text))
	}
	re, err := regexp.Compile(text[:i])
	if err != nil {
		return out, usagef("--pool: %v", err)
	}
	n, err := strconv.Atoi(text[i+1:])
	if err != nil || n < 1 || n > mostWorkers {
		return out, usagef("--pool %q: need a number of goroutines from 1 to %d after the last =", printableName(text), mostWorkers)
	}
	return whatif.Pool{Func: re, Workers: n}, nil
}

// faster reads REGEXP=SHARE.
func faster(text string) (whatif.Faster, error) {
	var out whatif.Faster
	i := strings.LastIndexByte(text, '=')
	if i <= 0 {
		return out, usagef("--faster %q: need a regular expression and a share, such as 'main\\.pack=20%%'", printableName(text))
	}
	re, err := regexp.Compile(text[:i])
	if err != nil {
		return out, usagef("--faster: %v", err)
	}
	share, isPercent := strings.CutSuffix(text[i+1:], "%")
	by, err := strconv.ParseFloat(share, 64)
	if isPercent {
		by /= 100
	}
	if err != nil || !(by > 0 && by <= 1) {
		return out, usagef("--faster %q: need a share from 0 to 1, or from 0%% to 100%%, after the last =", printableName(text))
	}
	return whatif.Faster{Func: re, By: by}, nil
}
