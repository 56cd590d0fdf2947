package mcp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gmptrace/analyze/machine"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// folder is the one whose files may be read.
type folder struct {
	root  *os.Root
	paths []string // absolute: as it was given, and with symbolic links resolved
}

func openFolder(dir string) (*folder, error) {
	given, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(given)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, err
	}
	return &folder{root: root, paths: []string{real, given}}, nil
}

// inputError is an error that says what to do about a file.
func inputError(name, text, hint string, err error) error {
	return &report.InputError{Name: words.Printable(name), Kind: "read", Offset: -1, Text: text, Hint: hint, Err: err}
}

// outside says that a name leads out of the folder, and nothing of whether anything is
// there.
func outside(name string) error {
	return inputError(name, "lies outside of the folder whose traces may be read", "Give a path below it; 'gmptrace mcp --root DIR' says which folder that is.", nil)
}

// open opens a regular file of the folder. The name is relative to it, or absolute.
// os.Root sees to it that no symbolic link leads out, whatever is put into a link's place
// between one look at it and the next.
func (f *folder) open(name string) (*os.File, error) {
	if strings.Contains(name, "://") {
		return nil, inputError(name, "is a URL, and only files are read here", "Record it into a file first, with 'gmptrace record URL -o FILE'.", nil)
	}
	path, ok := f.local(name)
	if !ok {
		return nil, outside(name)
	}
	info, err := f.root.Stat(path)
	var system syscall.Errno
	if err != nil && !errors.As(err, &system) {
		// It leads out, or by an absolute link, which os.Root does not follow wherever it leads.
		if path, ok = f.resolved(path); !ok {
			return nil, outside(name)
		}
		info, err = f.root.Stat(path)
	}
	if err != nil {
		return nil, openError(name, err)
	}
	if err := regular(name, info); err != nil {
		return nil, err
	}
	file, err := f.root.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, openError(name, err)
	}
	if info, err = file.Stat(); err == nil {
		err = regular(name, info)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// local is a name as one that is relative to the folder, if it is of something below it.
func (f *folder) local(name string) (string, bool) {
	if !filepath.IsAbs(name) {
		return name, filepath.IsLocal(name)
	}
	for _, dir := range f.paths {
		if rel, err := filepath.Rel(dir, name); err == nil && filepath.IsLocal(rel) {
			return rel, true
		}
	}
	return "", false
}

// resolved is local of what a path leads to.
func (f *folder) resolved(path string) (string, bool) {
	real, err := filepath.EvalSymlinks(filepath.Join(f.paths[0], path))
	if err != nil {
		return "", false
	}
	return f.local(real)
}

func openError(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // it repeats the path, unescaped
	}
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = "Give the path of a trace below the folder that 'gmptrace mcp --root DIR' was started with."
	}
	return inputError(name, "cannot be opened: "+err.Error(), hint, err)
}

// regular refuses what is no regular file: reading a device or a pipe may never end.
func regular(name string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return inputError(name, "is a folder", "Name a trace in it.", nil)
	case !info.Mode().IsRegular():
		return inputError(name, "is no regular file", "Copy what it yields into a file, and name that.", nil)
	}
	return nil
}

// version tells the content of a file from what it was before: by size and modification.
func version(info fs.FileInfo) string {
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// files are what a question may read: its traces, and what the machine said beside them.
type files struct {
	*folder
	traces   map[string]int64  // their sizes
	versions map[string]string // of all of them, as they were when the question came
}

// of are the files of a question.
func (f *folder) of(traces []string) (*files, error) {
	all := &files{folder: f, traces: map[string]int64{}, versions: map[string]string{}}
	for _, name := range traces {
		info, err := f.stat(name)
		if err != nil {
			return nil, err
		}
		all.traces[name], all.versions[name] = info.Size(), version(info)
		// What is wrong with it is said by the command that wants to read it.
		if info, err := f.stat(name + machine.Suffix); err == nil {
			all.versions[name+machine.Suffix] = version(info)
		}
	}
	return all, nil
}

func (f *folder) stat(name string) (fs.FileInfo, error) {
	file, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Stat()
}

// open opens a file as long as it is what it was when the question came.
func (all *files) open(name string) (*os.File, error) {
	file, err := all.folder.open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && version(info) != all.versions[name] {
		err = changed(name)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func changed(name string) error {
	return inputError(name, "has changed meanwhile", "Ask again, without a cursor.", nil)
}
