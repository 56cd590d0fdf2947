package mcp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"unicode/utf8"
)

// Sizes of answers, in bytes.
const (
	mostText = 24_000  // of an answer, all told
	mostPage = 23_500  // of it, what the command printed: the rest is about the cursor
	ahead    = 1 << 20 // of what it printed, kept for the next pages
	mostKept = 8 << 20 // of texts that are kept
)

// excerpt is a writer that keeps a part of what is written: up to ahead bytes from an
// offset on. What comes after that nobody has asked for yet, and stop ends it.
type excerpt struct {
	from int64
	text []byte
	seen int64 // bytes written so far, of the part and before it
	more bool  // there is more behind it
	stop func()

	brief json.RawMessage // what goes with the first page; nil for nothing
}

var errEnough = errors.New("nobody asked for more")

func (e *excerpt) Write(p []byte) (int, error) {
	if e.more {
		return 0, errEnough
	}
	n := len(p)
	before := min(max(e.from-e.seen, 0), int64(n))
	e.seen += int64(n)
	p = p[before:]
	room := min(ahead-len(e.text), len(p))
	e.text = append(e.text, p[:room]...)
	if room < len(p) {
		e.more = true
		e.stop()
		return n, errEnough
	}
	return n, nil
}

// end is the offset behind the part.
func (e *excerpt) end() int64 { return e.from + int64(len(e.text)) }

// covers tells whether the page at an offset is in the part.
func (e *excerpt) covers(from int64) bool {
	return from >= e.from && (from+mostPage <= e.end() || !e.more && from <= e.end())
}

// page is the text from an offset on, up to where a line ends, and whether it is the last.
func (e *excerpt) page(from int64) (text string, last bool) {
	rest := e.text[from-e.from:]
	if len(rest) <= mostPage && !e.more {
		return string(rest), true
	}
	rest = rest[:min(len(rest), mostPage)]
	if i := bytes.LastIndexByte(rest, '\n'); i >= 0 {
		return string(rest[:i+1]), false
	}
	for i := len(rest) - 1; i > len(rest)-utf8.UTFMax; i-- { // a line that has no end here
		if utf8.RuneStart(rest[i]) {
			return string(rest[:i]), false
		}
	}
	return string(rest), false
}

// cursor is where an answer goes on. It has all that there is to know: nothing is kept for
// it.
type cursor struct {
	Question, Files uint64 // hashes of what was asked, and of what the files were then
	Offset          uint64 // in bytes of the whole text
}

func (c cursor) String() string {
	data, _ := binary.Append(nil, binary.BigEndian, c) // of numbers alone
	return base64.RawURLEncoding.EncodeToString(data)
}

func parseCursor(s string) (c cursor, err error) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil && len(data) != binary.Size(c) {
		err = errors.New("of another length")
	}
	if err == nil {
		_, err = binary.Decode(data, binary.BigEndian, &c)
	}
	if err != nil || c.Offset > 1<<62 {
		return cursor{}, errors.New("cursor: is none that an answer has given: give the text behind \"cursor\" as it is, or none to begin anew")
	}
	return c, nil
}

// hash is of texts, each apart.
func hash(texts ...string) uint64 {
	h := sha256.New()
	for _, t := range texts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(t))))
		h.Write([]byte(t))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// hash is of what the files were when the question came.
func (all *files) hash() uint64 {
	var texts []string
	for name, version := range all.versions {
		texts = append(texts, name+"\x00"+version)
	}
	slices.Sort(texts)
	return hash(texts...)
}

// kept has the last few of some things, up to a number of bytes in all.
type kept[K comparable, V any] struct {
	most int

	mu   sync.Mutex
	list []entry[K, V] // the last one asked for is the last
	size int
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int
}

// get is the value of a key that fits.
func (k *kept[K, V]) get(key K, fits func(V) bool) (value V, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.list, func(e entry[K, V]) bool { return e.key == key && fits(e.value) })
	if i < 0 {
		return value, false
	}
	e := k.list[i]
	k.list = append(slices.Delete(k.list, i, i+1), e)
	return e.value, true
}

func (k *kept[K, V]) put(key K, value V, size int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = append(k.list, entry[K, V]{key, value, size})
	k.size += size
	for k.size > k.most {
		k.size -= k.list[0].size
		k.list = slices.Delete(k.list, 0, 1)
	}
}
