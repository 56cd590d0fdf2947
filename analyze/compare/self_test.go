package compare

import (
	"bytes"
	"encoding/binary"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/exp/trace"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

var selfDirs = flag.String("self", "", "folders whose traces TestSelf compares with themselves, all of them, separated by commas")

// selfSize is what a trace may take for TestSelf to look at it without being told to.
const selfSize = 48 << 10

// Every trace that can be read behaves as itself: as it is, compressed in another way, and
// with a letter of what it logs changed. No check of it against its own fixture fails, or
// shows a figure that differs, and if nothing could be compared, it says why.
func TestSelf(t *testing.T) {
	dirs, most := *selfDirs, int64(1<<40)
	if dirs == "" {
		dirs, most = "../../fixtures/traces", selfSize
	}
	var files []string
	for dir := range strings.SplitSeq(dirs, ",") {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(d.Name(), ".trace") || strings.HasSuffix(name, ".machine") {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Size() <= most {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 20 {
		t.Errorf("%d traces, want more", len(files))
	}
	for i, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			selfCheck(t, file, i%2 == 0)
		})
	}
}

func selfCheck(t *testing.T, file string, zst bool) {
	b, err := behaveFile(t, file)
	if err != nil {
		t.Skip(err)
	}
	fixture, err := NewFixture("test", []*Behaviour{b}).Behaviours()
	if err != nil {
		t.Fatal(err)
	}
	holds(t, fixture, b, "itself")
	if strings.Contains(file, "broken") {
		return // what is lost of it depends on how it is compressed
	}
	raw := unpacked(t, file)
	changed, ok := otherLetter(raw)
	if ok {
		t.Log("a letter of a message is another")
	}
	again, err := Behave(t.Context(), bytes.NewReader(packed(t, changed, zst)), replay.Options{Name: file})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, fixture, again, "itself, compressed in another way")
	if !reflect.DeepEqual(b.Series, again.Series) || !reflect.DeepEqual(b.Rates, again.Rates) || !reflect.DeepEqual(b.Causes, again.Causes) {
		t.Error("compressed in another way it has other distributions, rates or causes")
	}
}

// holds checks a trace against its own fixture.
func holds(t *testing.T, fixture []*Behaviour, b *Behaviour, what string) {
	t.Helper()
	judged := false
	for _, r := range Check(fixture, []*Behaviour{b}, FixtureFile, Options{}) {
		if r.Status == report.CheckFail || r.Status == report.CheckSkip && r.Message == "" {
			t.Errorf("%s: %s is %s: %s", what, r.ID, r.Status, r.Message)
		}
		switch r.ID {
		case "fixture/comparable", "fixture/findings", "fixture/rules":
			continue // their figures are of how much there is
		}
		for _, m := range r.Measured {
			judged = true
			if !strings.Contains(m.Value, "no change") {
				t.Errorf("%s: %s %s: %s", what, r.ID, m.Label, m.Value)
			}
		}
	}
	if ok, why := Holdable(fixture); !ok && why == "" {
		t.Errorf("%s: nothing can be compared, and it does not say why", what)
	} else if ok && !judged {
		t.Errorf("%s: nothing was compared", what)
	}
}

func unpacked(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var in io.Reader = bytes.NewReader(data)
	switch filepath.Ext(file) {
	case ".gz":
		in, err = gzip.NewReader(in)
	case ".zst":
		in, err = zstd.NewReader(in)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func packed(t *testing.T, raw []byte, zst bool) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	if zst {
		var err error
		if w, err = zstd.NewWriter(&out); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// otherLetter changes the last letter of a trace's first message wherever its strings have
// it, if there is a message.
func otherLetter(raw []byte) (changed []byte, ok bool) {
	r, err := trace.NewReader(bytes.NewReader(raw))
	for err == nil {
		var ev trace.Event
		if ev, err = r.ReadEvent(); err == nil && ev.Kind() == trace.EventLog && ev.Log().Message != "" {
			changed = bytes.Clone(raw)
			return changed, changeStrings(changed, ev.Log().Message)
		}
	}
	return raw, false
}

// changeStrings changes the last letter of a string of a trace, as Go writes them since
// 1.22: of batches, some have strings, each with a number and a length.
func changeStrings(raw []byte, text string) (ok bool) {
	const header, batch, endOfGeneration, stringsBatch, oneString = 16, 1, 51, 4, 5
	in := raw[min(len(raw), header):]
	number := func() int {
		n, size := binary.Uvarint(in)
		in = in[max(0, size):]
		return int(n)
	}
	for len(in) > 0 {
		kind := in[0]
		if in = in[1:]; kind == endOfGeneration {
			continue
		}
		if kind != batch {
			return ok
		}
		number() // generation
		number() // thread
		number() // time
		size := number()
		rest := in[min(len(in), size):]
		if in[0] == stringsBatch {
			for in = in[1:]; len(in) > len(rest) && in[0] == oneString; {
				in = in[1:]
				number()
				n := number()
				if string(in[:n]) == text {
					in[n-1] ^= 2 // a letter stays one, a digit nearly so
					ok = true
				}
				in = in[n:]
			}
		}
		in = rest
	}
	return ok
}
