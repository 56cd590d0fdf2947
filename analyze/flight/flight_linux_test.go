package flight

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFullDisk: where there is no room, the snapshot is lost with a word, nothing of it is
// left, and the next one is written when there is room again.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("a disk to fill needs the right to mount one: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 64<<10), 0o666); err != nil {
		t.Fatal(err)
	}
	var said []string
	r := start(t, Config{Dir: dir, Log: func(format string, args ...any) { said = append(said, format) }})
	if _, err := r.Snap("full"); err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "is lost") {
		t.Errorf("on a full disk: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left are %v", files)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Snap("room"); err != nil && !strings.Contains(err.Error(), "no space left") { // what a busy test has recorded may have more bytes
		t.Error(err)
	}
	r.Close()
	if len(said) == 0 {
		t.Error("nothing was logged")
	}
}

// snapsIn is what tells TestKilled's process to take snapshots, and where.
const snapsIn = "GMPTRACE_SNAPS_IN"

// TestKilled: whenever a process is killed, each snapshot that is listed is whole; what it
// had begun to write is not listed, and is removed once it is old.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(snapsIn); dir != "" {
		r := start(t, Config{Dir: dir})
		for began := time.Now(); time.Since(began) < time.Minute; { // it is killed long before
			r.Snap("again")
		}
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
	cmd.Env = append(os.Environ(), snapsIn+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for { // until one is being written beside others that are: the test's own time limit ends it
		whole, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
		begun, _ := filepath.Glob(filepath.Join(dir, "."+prefix+"*"+unwritten))
		if len(whole) > 2 && len(begun) > 0 {
			break
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	half := filepath.Join(dir, "."+prefix+"20260101T000000.000Z-a-1-slow"+suffix+unwritten) // the kill may have come too late to leave one
	if err := os.WriteFile(half, []byte("go 1.26 trace"), 0o666); err != nil {
		t.Fatal(err)
	}
	r := start(t, Config{Dir: dir})
	all, err := r.Snapshots()
	if err != nil || len(all) < 3 {
		t.Fatalf("%d snapshots, %v", len(all), err)
	}
	for _, s := range all {
		logs(t, s.Path, "") // fails where the trace cannot be read to its end
	}
	if _, err := os.Stat(half); err != nil {
		t.Errorf("what another process may be writing is gone: %v", err)
	}
	r.Close()
	old := time.Now().Add(-2 * leftover)
	if err := os.Chtimes(half, old, old); err != nil {
		t.Fatal(err)
	}
	start(t, Config{Dir: dir})
	if _, err := os.Stat(half); err == nil {
		t.Error("what a killed process began to write is there for ever")
	}
}
