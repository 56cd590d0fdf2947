package tables

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// spool keeps rows of numbers in a file, from when they are found out to when they can be
// named.
type spool struct {
	file  *os.File
	w     *bufio.Writer
	buf   []byte
	width int
	n     int64 // rows
	last  int64 // first number of the row before: those are times, mostly
}

func newSpool(dir string, width int) (*spool, error) {
	f, err := os.CreateTemp(dir, ".spool-*")
	if err != nil {
		return nil, err
	}
	return &spool{file: f, w: bufio.NewWriterSize(f, 1<<16), width: width}, nil
}

// add keeps a row.
func (s *spool) add(row ...int64) error {
	b := binary.AppendVarint(s.buf[:0], row[0]-s.last)
	s.last = row[0]
	for _, x := range row[1:] {
		b = binary.AppendVarint(b, x)
	}
	s.buf = b
	s.n++
	_, err := s.w.Write(b)
	return err
}

// each calls use with the rows, in their order. None can be added any more.
func (s *spool) each(use func(row []int64) error) error {
	if err := s.w.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(s.file, 1<<16)
	row, last := make([]int64, s.width), int64(0)
	for range s.n {
		for i := range row {
			x, err := binary.ReadVarint(r)
			if err != nil {
				return err
			}
			row[i] = x
		}
		row[0] += last
		last = row[0]
		if err := use(row); err != nil {
			return err
		}
	}
	return nil
}

// remove removes the file.
func (s *spool) remove() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// spools are those of all tables: of some there are several, which follow each other.
type spools struct {
	dir string
	all map[string][]*spool
}

// of is the i-th spool of a table.
func (s *spools) of(t *table, i int) (*spool, error) {
	for len(s.all[t.name]) <= i {
		x, err := newSpool(s.dir, t.width)
		if err != nil {
			return nil, err
		}
		s.all[t.name] = append(s.all[t.name], x)
	}
	return s.all[t.name][i], nil
}

// remove removes all of them.
func (s *spools) remove() error {
	var err error
	for _, list := range s.all {
		for _, x := range list {
			err = errors.Join(err, x.remove())
		}
	}
	s.all = map[string][]*spool{}
	return err
}
