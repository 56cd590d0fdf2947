package fleet

import (
	"bytes"
	"testing"
)

// BenchmarkReadRows and BenchmarkAdd are what a merge takes for each trace.
func BenchmarkReadRows(b *testing.B) {
	data := benchRows(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadRows(bytes.NewReader(data), int64(len(data))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	data := benchRows(b)
	r, err := ReadRows(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		b.Fatal(err)
	}
	var f Fleet
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		again := *r
		again.rows = append([]Row{}, r.rows...)
		again.rows[0].Trace = string(rune(i)) + string(rune(i/1000))
		f.Add(&again)
	}
}

func BenchmarkWrite(b *testing.B) {
	data := benchRows(b)
	r, _ := ReadRows(bytes.NewReader(data), int64(len(data)))
	for b.Loop() {
		var out bytes.Buffer
		if err := r.Write(&out); err != nil {
			b.Fatal(err)
		}
	}
}

func benchRows(b *testing.B) []byte {
	b.Helper()
	var out bytes.Buffer
	if err := mapFile(b, "cases/orders.trace.gz", Input{Trigger: "baseline"}).Write(&out); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}
