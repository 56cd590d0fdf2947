package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tcpListens is the state of a socket that listens, as the kernel writes it.
const tcpListens = "0A"

// Listening is the process of this machine that listens on a TCP port. Without root,
// only processes of the same user are found.
func Listening(port int) (pid int, err error) { return listensOn("", port) }

func listensOn(root string, port int) (int, error) {
	inodes := map[string]bool{}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, _ := os.ReadFile(root + name)
		for line := range strings.Lines(string(b)) {
			// sl local_address rem_address st … uid timeout inode
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != tcpListens {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			if n, err := strconv.ParseInt(hex, 16, 32); err == nil && int(n) == port {
				inodes["socket:["+f[9]+"]"] = true
			}
		}
	}
	if len(inodes) == 0 {
		return 0, fmt.Errorf("no process of this machine listens on port %d", port)
	}
	files, _ := filepath.Glob(root + "/proc/[0-9]*/fd/*")
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && inodes[to] {
			return strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(f))))
		}
	}
	return 0, fmt.Errorf("the process that listens on port %d is another user's, or in another container", port)
}

// Below lists the processes that a process has started, and those that they have, by
// their ids.
func Below(pid int) []int {
	parents := map[int]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		// pid (name) state parent …, and the name may hold anything
		s := string(b)
		rest := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil || len(rest) < 2 {
			continue
		}
		if parents[id], err = strconv.Atoi(rest[1]); err != nil {
			delete(parents, id)
		}
	}
	var below []int
	for id := range parents {
		for up, n := parents[id], 0; up > 0 && n < 64; up, n = parents[up], n+1 {
			if up == pid {
				below = append(below, id)
				break
			}
		}
	}
	return below
}

// Arguments are those of a process, its own name first; none if it is not there. They are
// whole, where the name that the kernel keeps is cut behind 15 bytes.
func Arguments(pid int) []string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if len(b) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}
