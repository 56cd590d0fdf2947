package machine

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// groupRoots is where the files of cgroups' CPU controller lie: of version 1 under
// either name of its mount, and of version 2.
var groupRoots = []struct{ controller, mount string }{
	{"cpu", "/sys/fs/cgroup/cpu"},
	{"cpu", "/sys/fs/cgroup/cpu,cpuacct"},
	{"", "/sys/fs/cgroup"},
	{"", "/sys/fs/cgroup/unified"},
}

// findGroup is the folder of the cgroup that limits the process most: its own or one
// above. Where none has a limit, it is the process's own; "" where there is no file to
// be read. In a container the path that /proc names may be the host's: the mount's root
// is the container's group then.
func (s *Sampler) findGroup() string {
	own := groupPaths(s.read("/proc/" + s.pid + "/cgroup"))
	best, least := "", math.Inf(1)
	for _, r := range groupRoots {
		p, is := own[r.controller]
		if !is {
			continue
		}
		for {
			folder := s.path(path.Join(r.mount, p))
			if _, err := os.Stat(path.Join(folder, "cpu.stat")); err == nil {
				if q, ok := groupQuota(folder); ok && q.CPU > 0 && q.CPUs() < least {
					best, least = folder, q.CPUs()
				} else if best == "" {
					best = folder
				}
			}
			if p == "/" || p == "." || p == "" {
				break
			}
			p = path.Dir(p)
		}
		if best != "" && !math.IsInf(least, 1) {
			break
		}
	}
	return best
}

// groupPaths is the path of a process's group by controller, "" for version 2's.
func groupPaths(list string) map[string]string {
	paths := map[string]string{}
	for line := range strings.Lines(list) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), ":")
		controllers, p, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		for c := range strings.SplitSeq(controllers, ",") {
			paths[c] = path.Clean("/" + p) // no "..", wherever it came from
		}
	}
	return paths
}

// quota is the limit of the group that is sampled.
func (s *Sampler) quota() (Quota, bool) {
	if s.cpuPath == "" {
		return Quota{}, false
	}
	return groupQuota(s.cpuPath)
}

// groupQuota reads the limit that a group has of its own: cpu.max of version 2, or the
// two files of version 1. They are in µs; "max" and -1 are no limit.
func groupQuota(folder string) (Quota, bool) {
	if b, err := os.ReadFile(path.Join(folder, "cpu.max")); err == nil {
		limit, period, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
		return quotaOf(limit, period)
	}
	limit, err := os.ReadFile(path.Join(folder, "cpu.cfs_quota_us"))
	period, err2 := os.ReadFile(path.Join(folder, "cpu.cfs_period_us"))
	if err != nil || err2 != nil {
		return Quota{}, false
	}
	return quotaOf(strings.TrimSpace(string(limit)), strings.TrimSpace(string(period)))
}

func quotaOf(limit, period string) (q Quota, ok bool) {
	p, err := strconv.ParseInt(period, 10, 64)
	if err != nil || p <= 0 || p > maxNumber/1000 {
		return Quota{}, false
	}
	q.Period = p * 1000
	if n, err := strconv.ParseInt(limit, 10, 64); err == nil && n > 0 && n <= maxNumber/1000 {
		q.CPU = n * 1000
	}
	return q, true
}
