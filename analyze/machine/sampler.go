package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// DefaultEvery is how often to take a sample: every 10 ms, in nanoseconds.
const DefaultEvery = 10_000_000

// inexact is from how many ns on the clocks tell that the machine was suspended.
const inexact = 10_000_000

// newThreads is how many samples apart a Sampler looks for new threads, and newAfter how
// many ns at the most, where samples are late: what one did before is in its first reading.
const (
	newThreads = 10
	newAfter   = newThreads * DefaultEvery
)

// maxOpen is how many threads are sampled at the most: each takes a descriptor, of which
// a server has others to serve.
const maxOpen = 1024

// Sampler reads the counters of a machine and of one of its processes. It keeps files
// open: opened anew each time, a thread would cost ten times as much. It is not for use
// by several goroutines at once.
type Sampler struct {
	root    string // what stands before paths: "" but in tests
	pid     string
	now     func() (monotonic, boot int64)
	samples int
	looked  int64         // for new threads, last
	threads []*threadFile // by task
	inner   bool          // the process calls its threads otherwise: it is in a PID namespace of its own
	left    int           // threads that were not sampled at one time, for want of descriptors
	most    int           // threads that were sampled then
	stat    *os.File      // of the machine, nil where it cannot be read
	stall   *os.File
	cpuStat *os.File // of the cgroup
	cpuPath string   // the cgroup's folder
	buf     []byte
	asleep  int64 // as told last
	tick    int64 // ns of the kernel's unit in /proc/stat
}

type threadFile struct {
	Thread
	task int64 // its id here; Thread.ID is that in the process's own PID namespace
	file *os.File
	gone bool
}

// ErrUnsupported is returned where there is no such machine to ask: other systems than
// Linux.
var ErrUnsupported = errors.New("the machine can be sampled on Linux only")

// errEnded is that there is no process to be sampled any more.
var errEnded = errors.New("the process has ended")

// NewSampler begins to sample a process, 0 for this one. It fails where the process is
// not there, or is another user's.
func NewSampler(pid int) (*Sampler, error) {
	if clock == nil {
		return nil, ErrUnsupported
	}
	return openSampler("", pid, clock)
}

func openSampler(root string, pid int, now func() (int64, int64)) (*Sampler, error) {
	s := &Sampler{root: root, pid: "self", now: now, buf: make([]byte, 8192), tick: 10_000_000}
	if pid != 0 {
		s.pid = strconv.Itoa(pid)
	}
	s.inner = len(namespaceIDs(s.read("/proc/"+s.pid+"/status"))) > 1
	if err := s.findThreads(); err != nil {
		return nil, fmt.Errorf("sampling process %s: %w", s.pid, err)
	}
	if len(s.threads) == 0 {
		return nil, fmt.Errorf("sampling process %s: none of its threads can be read", s.pid)
	}
	s.stat, _ = os.Open(s.path("/proc/stat"))
	s.stall, _ = os.Open(s.path("/proc/pressure/cpu"))
	s.cpuPath = s.findGroup()
	if s.cpuPath != "" {
		s.cpuStat, _ = os.Open(path.Join(s.cpuPath, "cpu.stat"))
	}
	return s, nil
}

func (s *Sampler) path(p string) string { return s.root + p }

// Close closes its files.
func (s *Sampler) Close() {
	for _, t := range s.threads {
		t.file.Close()
	}
	for _, f := range []*os.File{s.stat, s.stall, s.cpuStat} {
		if f != nil {
			f.Close()
		}
	}
}

// Begin is what is to be told once, before samples: the machine, and the quota.
func (s *Sampler) Begin() []Record {
	m := &Machine{Online: cpuList(s.read("/sys/devices/system/cpu/online"))}
	m.PID, _ = strconv.ParseInt(s.pid, 10, 64)
	if s.pid == "self" {
		m.PID = int64(os.Getpid())
	}
	for line := range strings.Lines(s.read("/proc/" + s.pid + "/status")) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			m.CPUs = cpuList(list)
		}
	}
	m.SMT = cpuList(s.read("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"))
	m.Host, _ = os.Hostname()
	all := []Record{{Machine: m}}
	if q, ok := s.quota(); ok {
		all = append(all, Record{Quota: &q})
	}
	return all
}

// Sample reads all counters. Threads that have not run since the sample before are left
// out, unless all are asked for: who reads only the end of what was told needs to know
// from where they count. It fails when the process is gone.
func (s *Sampler) Sample(all bool) (*Sample, error) {
	now, _ := s.now()
	x := &Sample{At: now, Steal: -1, Stall: -1, Asleep: s.readAsleep()}
	if s.samples%newThreads == 0 || now-s.looked >= newAfter {
		s.looked = now
		switch err := s.findThreads(); {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH):
			return nil, errEnded
		case err != nil:
			return nil, err
		}
	}
	s.samples++
	for _, t := range s.threads {
		s.readThread(t, x, all)
	}
	s.threads = slices.DeleteFunc(s.threads, func(t *threadFile) bool { return t.gone })
	if len(s.threads) == 0 {
		return nil, errEnded
	}
	x.Steal = s.readSteal()
	x.Stall = s.readStall()
	x.Throttled = s.readThrottled()
	return x, nil
}

// readAsleep is how long the machine was suspended. The two clocks that tell are not read
// at once: a little more than before is nothing, and much between two readings of one
// clock makes them useless.
func (s *Sampler) readAsleep() int64 {
	before, boot := s.now()
	after, _ := s.now()
	if boot > 0 && after-before < inexact && boot-before >= s.asleep+inexact {
		s.asleep = boot - before
	}
	if boot == 0 {
		return -1
	}
	return s.asleep
}

// findThreads opens those that are new.
func (s *Sampler) findThreads() error {
	folder := s.path("/proc/" + s.pid + "/task")
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxThreads)
	if err != nil && len(names) == 0 {
		return err
	}
	left := 0
	for _, name := range names {
		task, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			continue
		}
		i, known := slices.BinarySearchFunc(s.threads, task, func(t *threadFile, task int64) int { return int(t.task - task) })
		if known {
			continue
		}
		if len(s.threads) == maxOpen {
			left++
			continue
		}
		file, err := os.Open(path.Join(folder, name, "schedstat"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // it has ended meanwhile
		case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
			left++
			continue
		case err != nil:
			return err
		}
		s.threads = slices.Insert(s.threads, i, &threadFile{Thread: Thread{ID: s.ownID(task), Run: -1}, task: task, file: file})
	}
	if left > s.left {
		s.left, s.most = left, len(s.threads)
	}
	return nil
}

// ownID is what a process calls one of its threads, and so its trace: the id in its own
// PID namespace, which in a container is not the one from outside.
func (s *Sampler) ownID(task int64) int64 {
	if !s.inner {
		return task
	}
	ids := namespaceIDs(s.read(fmt.Sprintf("/proc/%s/task/%d/status", s.pid, task)))
	if len(ids) == 0 {
		return task // it has ended
	}
	return ids[len(ids)-1]
}

// namespaceIDs are a thread's ids, from the namespace of whoever looks to its own, out of
// its status file; none where the kernel does not tell (before 4.1).
func namespaceIDs(status string) (ids []int64) {
	for line := range strings.Lines(status) {
		list, is := strings.CutPrefix(line, "NSpid:")
		if !is {
			continue
		}
		for id := range strings.FieldsSeq(list) {
			if n, err := number(id); err == nil {
				ids = append(ids, n)
			}
		}
	}
	return ids
}

// leftOut is an error if threads were not sampled, nil if all were.
func (s *Sampler) leftOut() error {
	if s.left == 0 {
		return nil
	}
	return fmt.Errorf("%d of its threads were not sampled: each takes a file, and %d may be open", s.left, s.most)
}

// readThread reads a thread's counters, and adds them to x if they have changed.
func (s *Sampler) readThread(t *threadFile, x *Sample, all bool) {
	n, err := t.file.ReadAt(s.buf, 0)
	run, wait, ok := twoNumbers(s.buf[:n])
	if !ok {
		if n == 0 && err != nil {
			t.file.Close()
			t.gone = true
		}
		return
	}
	if all || run != t.Run || wait != t.Wait {
		t.Run, t.Wait = run, wait
		x.Threads = append(x.Threads, t.Thread)
	}
}

// readSteal is what the hypervisor took, the eighth number behind "cpu".
func (s *Sampler) readSteal() int64 {
	line, _, _ := bytes.Cut(s.readFile(s.stat), []byte("\n"))
	f := bytes.Fields(line)
	if len(f) < 9 || string(f[0]) != "cpu" {
		return -1
	}
	n, err := strconv.ParseInt(string(f[8]), 10, 64)
	if err != nil || n < 0 || n > maxNumber/s.tick {
		return -1
	}
	return n * s.tick
}

// readStall is how long some thread of the machine had to wait for a CPU.
func (s *Sampler) readStall() int64 {
	line, _, _ := bytes.Cut(s.readFile(s.stall), []byte("\n"))
	_, total, ok := bytes.Cut(line, []byte("total="))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(total)), 10, 64)
	if !ok || err != nil || n < 0 || n > maxNumber/1000 {
		return -1
	}
	return n * 1000
}

// readThrottled reads a cgroup's cpu.stat, of version 1 (ns) or 2 (µs).
func (s *Sampler) readThrottled() *Throttled {
	t, any := new(Throttled), false
	for line := range bytes.Lines(s.readFile(s.cpuStat)) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		n, err := number(value)
		if err != nil {
			continue
		}
		switch name {
		case "nr_periods":
			t.Periods, any = n, true
		case "nr_throttled":
			t.Over = n
		case "throttled_time":
			t.NS = n
		case "throttled_usec":
			t.NS = min(n, maxNumber/1000) * 1000
		}
	}
	if !any {
		return nil
	}
	return t
}

// readFile reads a file of the kernel from its beginning, nothing where there is none.
func (s *Sampler) readFile(f *os.File) []byte {
	if f == nil {
		return nil
	}
	n, _ := f.ReadAt(s.buf, 0)
	return s.buf[:n]
}

// read reads a file that is asked for once.
func (s *Sampler) read(name string) string {
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		return ""
	}
	return string(b)
}

func twoNumbers(b []byte) (x, y int64, ok bool) {
	f := bytes.Fields(b)
	if len(f) < 2 {
		return 0, 0, false
	}
	x, err := strconv.ParseInt(string(f[0]), 10, 64)
	y, err2 := strconv.ParseInt(string(f[1]), 10, 64)
	return x, y, err == nil && err2 == nil
}

// cpuList counts the CPUs of a list such as 0-3,8.
func cpuList(s string) (n int64) {
	for part := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		from, to, is := strings.Cut(part, "-")
		if !is {
			to = from
		}
		a, err := strconv.ParseInt(from, 10, 32)
		b, err2 := strconv.ParseInt(to, 10, 32)
		if err == nil && err2 == nil && a <= b {
			n += b - a + 1
		}
	}
	return n
}
