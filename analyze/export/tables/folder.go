package tables

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	schemaFile    = "schema.txt"
	queriesFolder = "queries"
)

// Folder is where tables are written: a folder that appears whole or not at all. It is
// filled beside its place, in Dir, and then put there.
type Folder struct {
	Dir   string // to write into
	path  string
	force bool
}

// CreateFolder prepares to write to the folder path, so that a trace need not be read to
// find out that it has nowhere to go. One that is there, and holds anything that Export has
// not written, is left alone unless force is set, and so is what else is in it even then.
func CreateFolder(path string, force bool) (*Folder, error) {
	path, err := filepath.Abs(path) // the folder beside which it is filled is not the current one
	if err != nil {
		return nil, err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // or the rename would replace the link
	}
	f := &Folder{path: path, force: force}
	if _, err := f.place(); err != nil {
		return nil, err
	}
	for {
		f.Dir = filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%08x.tmp", strings.TrimLeft(filepath.Base(path), "."), rand.Uint32()))
		switch err := os.Mkdir(f.Dir, 0o777); {
		case err == nil:
			return f, nil
		case !errors.Is(err, fs.ErrExist):
			return nil, unnamed(err)
		}
	}
}

// unnamed is an error without the name of a file that nobody has heard of.
func unnamed(err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}

// what stands in a folder's place
type standing uint8

const (
	nothing standing = iota
	ours             // a folder with nothing in it but what Export writes
	others           // a folder with something else in it, or one that can't be renamed
)

// place is what stands where the folder is to be, if that may go or be added to.
func (f *Folder) place() (standing, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nothing, nil
	case err != nil:
		return nothing, unnamed(err)
	case !info.IsDir():
		return nothing, errors.New("is no folder: give another name with -o")
	}
	own, err := written(f.path)
	switch here, _ := os.Stat("."); {
	case err != nil:
		return nothing, unnamed(err)
	case !own && !f.force:
		return nothing, errors.New("exists, and holds what gmptrace has not written: give another name with -o, or --force to write beside that")
	case !own, os.SameFile(info, here):
		return others, nil
	}
	return ours, nil
}

// written reports whether there is nothing in a folder but what Export has written.
func written(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return true, err
	}
	text, err := os.ReadFile(filepath.Join(dir, schemaFile))
	if err != nil || !bytes.HasPrefix(text, []byte("gmptrace.tables/")) {
		return false, nil
	}
	for _, e := range entries {
		if !files(e) {
			return false, nil
		}
	}
	queries, err := os.ReadDir(filepath.Join(dir, queriesFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return !slices.ContainsFunc(queries, func(e fs.DirEntry) bool { return e.IsDir() || !slices.Contains(queryNames(), e.Name()) }), err
}

// files reports whether an entry of a folder is one that Export writes.
func files(e fs.DirEntry) bool {
	if e.Name() == queriesFolder {
		return e.IsDir()
	}
	name, suffix, _ := strings.Cut(e.Name(), ".")
	table := slices.ContainsFunc(all(), func(t *table) bool { return t.name == name }) && (suffix == string(Parquet) || suffix == string(CSV))
	return e.Type().IsRegular() && (table || e.Name() == schemaFile)
}

// Commit puts the folder into its place.
func (f *Folder) Commit() error {
	there, err := f.place() // what was not there at the start may be there now
	if err != nil {
		return err
	}
	switch there {
	case ours:
		err = f.replace()
	case others:
		err = f.add()
	default:
		err = os.Rename(f.Dir, f.path)
	}
	return unnamed(err)
}

// replace puts it into the place of an older one, which is back if that fails.
func (f *Folder) replace() error {
	old := f.Dir + ".old"
	if err := os.Rename(f.path, old); err != nil {
		return err
	}
	if err := os.Rename(f.Dir, f.path); err != nil {
		return errors.Join(err, os.Rename(old, f.path))
	}
	return os.RemoveAll(old)
}

// add puts its files into a folder that has others, each of them whole.
func (f *Folder) add() error {
	err := filepath.WalkDir(f.Dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		within, err := filepath.Rel(f.Dir, name)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(f.path, within), 0o777)
		}
		return os.Rename(name, filepath.Join(f.path, within))
	})
	return errors.Join(err, os.RemoveAll(f.Dir))
}

// Discard removes what was written, unless it has been put into its place.
func (f *Folder) Discard() { os.RemoveAll(f.Dir) }
