package flight

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"gmptrace/analyze/machine"
)

// The names of files: only those that a Recorder wrote are listed and removed.
const (
	prefix    = "gmptrace-"
	suffix    = ".trace"
	unwritten = ".tmp"
	stamp     = "20060102T150405.000Z"
)

// leftover is how old a file must be that somebody did not finish, to be removed.
const leftover = 10 * time.Minute

// Snapshot is one that was written.
type Snapshot struct {
	Name  string    `json:"name"`  // of the file
	Path  string    `json:"-"`     // of the file
	Time  time.Time `json:"time"`  // when it was taken
	Why   string    `json:"why"`   // what its name says of that: the trigger, and what was slow
	Bytes int64     `json:"bytes"` // of the file
}

// pending is a snapshot that is being written.
type pending struct {
	trigger  trigger
	done     chan struct{} // closed when the others hold
	snapshot Snapshot
	err      error
}

var errClosed = errors.New("flight: not recording")

// write writes those that are asked for, one after the other.
func (r *Recorder) write() {
	defer r.running.Done()
	for p := range r.work {
		p.snapshot, p.err = r.take(p.trigger)
		if p.err != nil {
			r.config.Log("%v", p.err)
		}
		r.mu.Lock()
		r.pending = nil
		r.mu.Unlock()
		close(p.done)
	}
}

// take writes a snapshot beside its place, so that nobody sees half of one.
func (r *Recorder) take(t trigger) (Snapshot, error) {
	now := time.Now().UTC()
	s := Snapshot{Name: r.name(now, t), Time: now.Truncate(time.Millisecond), Why: t.words()}
	s.Path = filepath.Join(r.config.Dir, s.Name)
	note(machine.Record{Snapshot: r.tell(now, t)})
	temp := filepath.Join(r.config.Dir, "."+s.Name+unwritten)
	n, err := r.writeTo(temp)
	if err == nil {
		err = os.Rename(temp, s.Path)
	}
	if err != nil {
		os.Remove(temp)
		return Snapshot{}, fmt.Errorf("flight: the snapshot %s is lost: %w", s.Name, err)
	}
	s.Bytes = n
	r.prune(s.Name)
	return s, nil
}

func (r *Recorder) writeTo(name string) (int64, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return 0, err
	}
	n, err := r.flight.WriteTo(f)
	if err == nil && n > r.config.Quota {
		err = fmt.Errorf("it has %d bytes, more than all may have together (%d)", n, r.config.Quota)
	}
	return n, errors.Join(err, f.Close())
}

// name is a file's: when, where, why.
func (r *Recorder) name(now time.Time, t trigger) string {
	parts := []string{now.Format(stamp), plain(r.config.Name, 32), strconv.Itoa(os.Getpid()), t.kind}
	if t.name != "" {
		parts = append(parts, plain(t.name, 48))
	}
	if t.trace != "" {
		parts = append(parts, t.trace)
	}
	return prefix + strings.Join(parts, "-") + suffix
}

func (t *trigger) words() string {
	s := t.kind
	if t.name != "" {
		s += " " + plain(t.name, 48)
	}
	return s
}

// tell is what a snapshot says of itself.
func (r *Recorder) tell(now time.Time, t trigger) *machine.Snapshot {
	return &machine.Snapshot{Trigger: t.kind, Name: plain(t.name, 48), Took: t.took.Nanoseconds(), Time: now.Format(stamp),
		Host: plain(r.config.Name, 32), Build: r.build, Trace: t.trace, Span: t.span}
}

// plain is a text with nothing in it that a file system, a shell or a terminal would
// take for something else, of n bytes at the most.
func plain(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' {
			return c
		}
		return '_'
	}, s)
	return strings.Trim(s[:min(len(s), n)], "_.")
}

// buildID says what was built: the revision, else the module's version.
func buildID() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return plain(s.Value, 40)
		}
	}
	return plain(info.Main.Version, 40)
}

// Snapshots lists what is in the folder, the newest first.
func (r *Recorder) Snapshots() ([]Snapshot, error) {
	if r == nil {
		return nil, errClosed
	}
	files, err := os.ReadDir(r.config.Dir)
	if err != nil {
		return nil, err
	}
	var all []Snapshot
	for _, f := range files {
		s, ok := parse(f.Name())
		info, err := f.Info()
		if !ok || err != nil || !info.Mode().IsRegular() {
			continue
		}
		s.Path, s.Bytes = filepath.Join(r.config.Dir, s.Name), info.Size()
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Snapshot) int { return strings.Compare(b.Name, a.Name) })
	return all, nil
}

// parse reads a file's name.
func parse(name string) (s Snapshot, ok bool) {
	rest, is := strings.CutPrefix(name, prefix)
	rest, is2 := strings.CutSuffix(rest, suffix)
	part := strings.SplitN(rest, "-", 4)
	if !is || !is2 || len(part) < 4 {
		return s, false
	}
	when, err := time.Parse(stamp, part[0])
	return Snapshot{Name: name, Time: when, Why: strings.ReplaceAll(part[3], "-", " ")}, err == nil
}

// prune removes the oldest until all have no more bytes than they may; never the newest.
func (r *Recorder) prune(newest string) {
	all, err := r.Snapshots()
	if err != nil {
		return
	}
	left := r.config.Quota
	for _, s := range all {
		left -= s.Bytes
		if left < 0 && s.Name != newest {
			os.Remove(s.Path)
		}
	}
}

// clean removes what a process that was killed has not finished.
func (r *Recorder) clean() {
	files, _ := filepath.Glob(filepath.Join(r.config.Dir, "."+prefix+"*"+unwritten))
	for _, f := range files {
		if info, err := os.Lstat(f); err == nil && time.Since(info.ModTime()) > leftover {
			os.Remove(f)
		}
	}
}
