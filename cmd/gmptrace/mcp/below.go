package mcp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gmptrace/analyze/fleet"
)

const (
	mostFiles = 2_000   // of one question: more take longer than an assistant waits
	mostSeen  = 100_000 // files that are looked at for them
)

// below has the files of folders in their place: traces and rows below them, by their
// names. What is no folder stays, whatever it is called. Symbolic links to folders are not
// followed, but for those that were named.
func (f *folder) below(ctx context.Context, names []string) ([]string, error) {
	var out []string
	seen := 0
	for _, name := range names {
		found, err := f.in(ctx, name, &seen)
		if err != nil {
			return nil, err
		}
		if out = append(out, found...); len(out) > mostFiles {
			return nil, inputError(name, fmt.Sprintf("has too many traces below it: a question may be of %d", mostFiles),
				"Name a part of them, or have 'gmptrace fleet' keep rows and ask of a part at a time.", nil)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (f *folder) in(ctx context.Context, name string, seen *int) ([]string, error) {
	path, ok := f.local(name)
	if !ok || strings.Contains(name, "://") {
		return []string{name}, nil // open says what is wrong with it
	}
	info, err := f.root.Stat(path)
	if err != nil {
		if path, ok = f.resolved(path); !ok {
			return []string{name}, nil
		}
		info, err = f.root.Stat(path)
	}
	if err != nil || !info.IsDir() {
		return []string{name}, nil
	}
	sub, err := f.root.OpenRoot(path)
	if err != nil {
		return nil, openError(name, err)
	}
	defer sub.Close()
	found, err := list(ctx, sub, seen)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errTooMany):
		return nil, inputError(name, fmt.Sprintf("has more than %d files below it", mostSeen), "Name a folder below it.", nil)
	case err != nil:
		return nil, openError(name, err)
	case len(found) == 0:
		return nil, inputError(name, "has neither traces nor rows below it", "Traces of folders are known by their names: .trace or .out, maybe with .gz or .zst. Name others themselves.", nil)
	}
	for i := range found {
		found[i] = filepath.Join(name, filepath.FromSlash(found[i]))
	}
	return found, nil
}

var errTooMany = errors.New("too many files")

// list are the traces and rows below a folder, which it never leaves. Rows beside traces are
// of those: they are left out, unless that folder was named.
func list(ctx context.Context, dir *os.Root, seen *int) (found []string, err error) {
	err = fs.WalkDir(dir.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if *seen++; *seen > mostSeen {
			return errTooMany
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || path == "." {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") || d.IsDir() && d.Name() == fleet.RowsDir {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if trace, rows := fleet.Takes(d.Name()); d.Type().IsRegular() && (trace || rows) {
			found = append(found, path)
		}
		return nil
	})
	return found, err
}
