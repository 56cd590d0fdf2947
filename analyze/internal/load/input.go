package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// inputBuffer is the size of the buffer that the trace is cut up in. It holds
// the largest batch (64 KiB) with room to look beyond it.
const inputBuffer = 256 << 10

// headerSize is the length of a trace's header, "go 1.26 trace\0\0\0".
const headerSize = 16

// newestFormat is the newest format that the reader knows.
const newestFormat = 26

// input is a trace's bytes, decompressed, after its header was recognised.
type input struct {
	*bufio.Reader     // from the header on
	format        int // 26 for "go 1.26"
	header        [headerSize]byte
	compression   string // "", "gzip" or "zstd"
	close         func()
}

// countingReader counts what is read of the input and fails once ctx is done.
type countingReader struct {
	ctx context.Context
	r   io.Reader
	n   *atomic.Int64
}

func (c countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// openInput decompresses r where it is compressed and recognises a trace by
// its header. What is no trace, or none that can be read, is an *InputError
// that says what it is.
func openInput(r io.Reader, name string, maxMemory int64) (*input, error) {
	in := &input{Reader: bufio.NewReaderSize(r, inputBuffer), close: func() {}}
	if err := in.decompress(maxMemory); err != nil {
		return nil, notATrace(name, "damaged", fmt.Sprintf("not readable %s data: %s", in.compression, clean(err.Error())), "Get the file anew.")
	}
	head, err := in.Peek(headerSize)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		in.close()
		return nil, &report.InputError{Name: name, Kind: "read", Offset: 0, Text: clean(err.Error()), Err: err}
	}
	if bad := in.recognise(head); bad != nil {
		bad.Name = name
		in.close()
		return nil, bad
	}
	return in, nil
}

func (in *input) decompress(maxMemory int64) error {
	magic, _ := in.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		in.compression = "gzip"
		z, err := gzip.NewReader(in.Reader)
		if err != nil {
			return err
		}
		in.Reader = bufio.NewReaderSize(z, inputBuffer)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		in.compression = "zstd"
		z, err := zstd.NewReader(in.Reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(uint64(maxMemory)), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return err
		}
		in.Reader, in.close = bufio.NewReaderSize(z, inputBuffer), z.Close
	}
	return nil
}

// recognise judges the input by its first bytes.
func (in *input) recognise(head []byte) *report.InputError {
	format, ok := parseHeader(head)
	if !ok {
		start, _ := in.Peek(512)
		return in.sayWhat(start)
	}
	in.format = format
	copy(in.header[:], head)
	switch format {
	case 11, 19, 21, 22, 23, 25, newestFormat:
		return nil
	}
	version := fmt.Sprintf("go 1.%d", format)
	if format < 11 {
		return notATrace("", "too-old", fmt.Sprintf("a trace of format %q; the oldest that can be read is \"go 1.11\"", version),
			"Record it anew with a newer Go, or look at it with the `go tool trace` of the Go that wrote it.")
	}
	return notATrace("", "future-version", fmt.Sprintf("a trace of format %q, which this version does not know; the newest it knows is \"go 1.%d\"", version, newestFormat),
		"Use a newer gmptrace. If there is none, look at it with the `go tool trace` of the Go that wrote it.")
}

// parseHeader reads the version from the header of a trace, "go 1.N trace" and
// zeros up to 16 bytes.
func parseHeader(b []byte) (format int, ok bool) {
	if len(b) < headerSize {
		return 0, false
	}
	rest, found := bytes.CutPrefix(b[:headerSize], []byte("go 1."))
	if !found {
		return 0, false
	}
	digits, rest, found := bytes.Cut(rest, []byte(" trace"))
	if !found || len(rest) == 0 || len(bytes.Trim(rest, "\x00")) != 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 16)
	return int(n), err == nil
}

// nearHeader reports whether b begins with a trace's header of which a byte or
// two are wrong.
func nearHeader(b []byte) bool {
	const like = "go 1.26 trace\x00\x00\x00"
	if len(b) < headerSize {
		return false
	}
	wrong := 0
	for i := range headerSize {
		digit := i == 5 || i == 6
		if b[i] != like[i] && !(digit && b[i] >= '0' && b[i] <= '9') {
			wrong++
		}
	}
	return wrong <= 2
}

func notATrace(name, kind, text, hint string) *report.InputError {
	return &report.InputError{Name: name, Kind: kind, Offset: -1, Text: text, Hint: hint}
}

const howToRecord = "Record a trace with runtime/trace, `go test -trace FILE`, or from net/http/pprof: curl -fo FILE 'http://HOST/debug/pprof/trace?seconds=5'."

// signatures are the beginnings of what people hand in for a trace by mistake.
var signatures = []struct{ magic, what, hint string }{
	{"\x1f\x8b", "compressed twice", "Decompress it once (`gzip -d`)."},
	{"\x28\xb5\x2f\xfd", "compressed twice", "Decompress it once (`zstd -d`)."},
	{"BZh", "compressed with bzip2", "Decompress it first (`bzip2 -d`)."},
	{"\xfd7zXZ\x00", "compressed with xz", "Decompress it first (`xz -d`)."},
	{"PK\x03\x04", "a zip archive", "Unpack it first (`unzip`)."},
	{"\x7fELF", "a program, not the trace of one", howToRecord},
	{"\xff\xfe", "UTF-16 text: a shell has re-coded the bytes on the way into the file", "Let the program write the file itself (curl -o FILE), or use a shell that leaves bytes alone."},
}

// sayWhat says what an input is that is not a trace.
func (in *input) sayWhat(start []byte) *report.InputError {
	text := strings.TrimSpace(string(start))
	lower := strings.ToLower(text)
	switch {
	case len(start) == 0:
		return notATrace("", "empty", "the input is empty"+in.within(), "The program may have ended before trace.Stop wrote anything. "+howToRecord)
	case strings.HasPrefix(text, "Could not enable tracing"):
		return notATrace("", "not-enabled", "not a trace but the server's refusal: "+quoteLine(text), "Another trace is being recorded: wait until it ends, or stop it, and try again.")
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<html"), strings.HasPrefix(lower, "<?xml"):
		return notATrace("", "html", "a web page, not a trace"+in.within(), "The server answered with a page (an error or a login?). Use `curl -f`, and the path /debug/pprof/trace. "+howToRecord)
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return notATrace("", "json", "JSON, not a Go execution trace"+in.within(), howToRecord)
	case in.looksLikePprof(start):
		return notATrace("", "pprof", "a pprof profile, not an execution trace"+in.within(), "Look at it with `go tool pprof`. The trace is at /debug/pprof/trace, not /debug/pprof/profile.")
	case len(start) < headerSize && (strings.HasPrefix("go 1.", string(start)) || bytes.HasPrefix(start, []byte("go 1."))):
		return &report.InputError{Kind: "truncated", Offset: int64(len(start)), Text: fmt.Sprintf("the trace's header is cut short: %s of %s", words.Plural(int64(len(start)), "byte"), words.Count(headerSize)),
			Hint: "The program may have been killed before it wrote more. Record it anew."}
	case nearHeader(start):
		return &report.InputError{Kind: "damaged", Offset: 0, Text: fmt.Sprintf("the trace's header is damaged: it should read \"go 1.N trace\" and zeros, and reads %q", start[:headerSize]),
			Hint: "Get the file anew, as it is (in binary mode), or record anew."}
	}
	for _, s := range signatures {
		if bytes.HasPrefix(start, []byte(s.magic)) {
			return notATrace("", "not-a-trace", "not a Go execution trace but "+s.what+in.within(), s.hint)
		}
	}
	if isText(start) {
		return notATrace("", "not-a-trace", "not a Go execution trace but text"+in.within()+", beginning with "+quoteLine(text), howToRecord)
	}
	return notATrace("", "not-a-trace", fmt.Sprintf("not a Go execution trace%s: it begins with %q, not with \"go 1.\"", in.within(), start[:min(len(start), 8)]), howToRecord)
}

// within says that what was recognised was found by decompressing.
func (in *input) within() string {
	if in.compression == "" {
		return ""
	}
	return " (" + in.compression + ", decompressed)"
}

// looksLikePprof recognises a profile: the protocol buffer that all of Go's are
// today, the old CPU profile in words, and the text that debug=1 gives.
func (in *input) looksLikePprof(b []byte) bool {
	for _, s := range []string{"heap profile: ", "goroutine profile: ", "threadcreate profile: ", "--- mutex:", "--- contention:"} {
		if bytes.HasPrefix(b, []byte(s)) {
			return true
		}
	}
	if looksLikeProfileProto(b) && !isText(b) {
		return true
	}
	return len(b) >= 24 && binary.LittleEndian.Uint64(b) == 0 && binary.LittleEndian.Uint64(b[8:]) == 3 && binary.LittleEndian.Uint64(b[16:]) == 0
}

// profileFields are the wire types of a profile's fields, by number, as a set of
// bits. Lists of numbers may be packed. Source: profile.proto of google/pprof.
var profileFields = [16]uint8{
	1: 1 << 2, 2: 1 << 2, 3: 1 << 2, 4: 1 << 2, 5: 1 << 2, 6: 1 << 2, // sample_type to string_table
	7: 1 << 0, 8: 1 << 0, 9: 1 << 0, 10: 1 << 0, // drop_frames to duration_nanos
	11: 1 << 2, 12: 1 << 0, 13: 1<<0 | 1<<2, 14: 1 << 0, 15: 1 << 0, // period_type to doc_url
}

// looksLikeProfileProto reports whether b, the start of an input, is made of the
// fields of a profile, in whatever order: programs write the times first, or the
// types of samples.
func looksLikeProfileProto(b []byte) bool {
	types := 0 // sample_type and period_type: a profile has one at least
	for len(b) > 0 {
		number, wire := b[0]>>3, b[0]&7
		if b[0] >= 0x80 || profileFields[number]&(1<<wire) == 0 {
			return false
		}
		v, n := binary.Uvarint(b[1:])
		if n <= 0 {
			return n == 0 && types > 0 // b ends here
		}
		b = b[1+n:]
		if wire == 0 {
			continue
		}
		if number == 1 || number == 11 {
			if v > 22 || len(b) > 0 && v > 0 && b[0] != 0x08 && b[0] != 0x10 {
				return false // a ValueType is two numbers, fields 1 and 2
			}
			types++
		}
		b = b[min(v, uint64(len(b))):]
	}
	return types > 0
}

func isText(b []byte) bool {
	if len(b) == 512 {
		b = bytes.TrimRightFunc(b, func(r rune) bool { return r == utf8.RuneError })
	}
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) })
}

// quoteLine is the first line of s in quotes, shortened.
func quoteLine(s string) string { return strconv.Quote(clean(s)) }

// clean makes one short printable line of a message that may quote the input.
func clean(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	return s
}
