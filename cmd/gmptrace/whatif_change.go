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
	gc             choice
}

// addFlags adds them.
func (c *changeFlags) addFlags(f *pflag.FlagSet) {
	c.gc = chosen("recorded", string(whatif.GCHalf), string(whatif.GCOff))
	f.StringArrayVar(&c.faster, "faster", nil, "functions that a regular expression matches, with what they call, compute less: `REGEXP=SHARE`, such as 'main\\.pack=20%'; may be given several times")
	f.StringVar(&c.withoutLock, "without-lock", "", "nobody waits for mutexes in functions that lock them and match `REGEXP`")
	f.StringVar(&c.withoutSyscall, "without-syscall", "", "functions that match `REGEXP` make no system calls")
	f.Var(&c.gc, "gc", "`HOW` often the collector runs: recorded, half, off")
}

// changes reports whether they ask for any.
func (c *changeFlags) changes() bool {
	return len(c.faster) > 0 || c.withoutLock != "" || c.withoutSyscall != "" || c.gc.value != "recorded"
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
	if c.gc.value != "recorded" {
		out.GC = whatif.GC(c.gc.value)
	}
	return out, nil
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
