package load

import (
	"encoding/binary"
	"math"
	"testing"
)

// Numbers of every length are read as they were written, and none past the data.
func TestUvarint(t *testing.T) {
	var numbers []uint64
	for shift := range 64 {
		numbers = append(numbers, 1<<shift, 1<<shift-1, math.MaxUint64>>shift, 0xa5a5a5a5_5a5a5a5a>>shift)
	}
	for _, want := range numbers {
		raw := binary.AppendUvarint(nil, want)
		b := append(raw, make([]byte, wirePad)...)
		if v, next := uvarint(b, 0); v != want || next != len(raw) {
			t.Errorf("%#x is read as %#x, %d bytes long", want, v, next)
		}
		if _, next := uvarint(append(raw[:len(raw)-1:len(raw)-1], make([]byte, wirePad)...), 0); len(raw) > 1 && next <= len(raw)-1 {
			t.Errorf("%#x cut short ends within its data", want)
		}
	}
	endless := make([]byte, 12, 12+wirePad)
	for i := range endless {
		endless[i] = 0xff
	}
	if _, next := uvarint(endless[:12+wirePad], 0); next <= 12 {
		t.Error("a number of more than 64 bits ends within its data")
	}
}
