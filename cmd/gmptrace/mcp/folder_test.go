//go:build unix

package mcp

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gmptrace/analyze/report"
)

// lay makes a folder with a file inside, one outside of it, and ways from the one to the
// other.
func lay(t *testing.T) (dir string, f *folder) {
	t.Helper()
	above := t.TempDir()
	dir = filepath.Join(above, "root")
	for _, d := range []string{dir, filepath.Join(dir, "sub"), filepath.Join(above, "other")} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "in"), "inside")
	write(t, filepath.Join(dir, "sub", "in"), "inside")
	write(t, filepath.Join(above, "out"), "outside")
	write(t, filepath.Join(above, "other", "out"), "outside")
	for name, target := range map[string]string{
		"link":         "in",
		"link-sub":     "sub",
		"link-abs":     filepath.Join(dir, "sub", "in"),
		"link-out":     "../out",
		"link-out-abs": filepath.Join(above, "out"),
		"link-dir":     "../other",
		"link-none":    "../none",
		"link-here":    "none",
		"link-loop":    "link-loop",
		"link-zero":    "/dev/zero",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir, filepath.Join(above, "root-link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := openFolder(filepath.Join(above, "root-link"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.root.Close() })
	return dir, f
}

func TestFolder(t *testing.T) {
	dir, f := lay(t)
	above := filepath.Dir(dir)
	for name, want := range map[string]string{
		"in": "", "./in": "", "sub/in": "", "sub/../in": "", "link": "", "link-sub/in": "", "link-sub/../in": "", "link-abs": "",
		filepath.Join(dir, "in"): "", filepath.Join(above, "root-link", "sub", "in"): "",

		"":                              "lies outside",
		"../out":                        "lies outside",
		"sub/../../":                    "lies outside",
		"../root/in":                    "lies outside",
		"/etc/passwd":                   "lies outside",
		"/none":                         "lies outside",
		"link-out":                      "lies outside",
		"link-out-abs":                  "lies outside",
		"link-dir/out":                  "lies outside",
		"link-none":                     "lies outside",
		"link-zero":                     "lies outside",
		filepath.Join(above, "out"):     "lies outside",
		filepath.Join(dir, "..", "out"): "lies outside",
		filepath.Join(dir, "link-out"):  "lies outside",
		dir + "evil":                    "lies outside",
		"none":                          "no such file",
		"sub/none":                      "no such file",
		"link-here":                     "no such file",
		"in/none":                       "cannot be opened",
		"sub":                           "is a folder",
		".":                             "is a folder",
		"pipe":                          "is no regular file",
		"http://localhost:6060/debug/pprof/trace": "is a URL",
		"file:///etc/passwd":                      "is a URL",
		"a\x00b":                                  "cannot be opened",
		"\x1b]0;x\x07" + strings.Repeat("n", 200): `\x1b]0;x\x07nnn`,
		strings.Repeat("long", 1000):              "cannot be opened",
		"-":                                       "no such file",
		"link-loop":                               "",
		filepath.Join(dir, strings.Repeat("../", 9)+"etc/passwd"): "lies outside",
	} {
		file, err := f.open(name)
		var content []byte
		if err == nil {
			content, _ = io.ReadAll(file)
			file.Close()
		}
		var said *report.InputError
		switch {
		case name == "link-loop":
			if err == nil {
				t.Error("a link to itself was opened")
			}
		case want == "" && (err != nil || string(content) != "inside"):
			t.Errorf("%q: %v, %q", name, err, content)
		case want != "" && (!errors.As(err, &said) || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

// TestFolderSwapped changes a link between two targets, and a folder for a link, while
// files are opened: what is opened is never outside.
func TestFolderSwapped(t *testing.T) {
	dir, f := lay(t)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			os.Symlink([]string{"in", "../out", filepath.Join(dir, "in"), filepath.Join(dir, "..", "out")}[i%4], filepath.Join(dir, "new"))
			os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "swapped"))
			os.Symlink([]string{"sub", "../other"}[i%2], filepath.Join(dir, "new"))
			os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "folder"))
		}
	}()
	opened, refused := 0, 0
	for range 4000 {
		for _, name := range []string{"swapped", "folder/in", "folder/out"} {
			file, err := f.open(name)
			if err != nil {
				refused++
				continue
			}
			opened++
			if content, _ := io.ReadAll(file); string(content) != "inside" {
				t.Fatalf("%s: read %q", name, content)
			}
			file.Close()
		}
	}
	close(stop)
	<-stopped
	if opened == 0 || refused == 0 {
		t.Errorf("opened %d and refused %d: nothing was swapped", opened, refused)
	}
}

func TestNoFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "x")
	for _, name := range []string{"none", "file"} {
		if _, err := New(filepath.Join(dir, name), "test", echo); err == nil {
			t.Errorf("a server for %s", name)
		}
	}
}
