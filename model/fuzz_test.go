package model

import "testing"

// FuzzSched steps the model through arbitrary events: whatever a damaged trace
// says, the invariants hold and nothing panics.
func FuzzSched(f *testing.F) {
	f.Add([]byte{1, 7, 0, 0, 4, 7, 0, 0, 5, 7, 0, 0})
	f.Add([]byte("\x01\x01\x00\x00\x01\x02\x00\x00\x04\x02\x00\x00\x06\x02\x00\x00\x04\x01\x01\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(RulesFor(22+len(data)%5), 16)
		v := newValidator(t)
		v.broke = true // lives need not be whole: an event may claim anything
		now := Time(0)
		for ; len(data) >= 4; data = data[4:] {
			now += Time(data[3] >> 4)
			ev := Event{Time: now, Op: Op(data[0]) % numOps, Subject: int64(data[1] % 16), G: GoID(data[1]%5) - 1,
				P: ProcID(data[2]%4) - 1, M: MIndex(data[2]>>2%4) - 1, Arg: int64(data[3] % 8), Flags: Flags(data[3]) << 2, Reason: Reason(data[3]) % NumReasons}
			if ev.Op == OpExecute && ev.P < 0 {
				ev.P = 0
			}
			s.Step(&ev)
			v.places(s)
			v.counts(s)
		}
		for s.DecideOne() {
			v.places(s)
			v.counts(s)
		}
		s.Close()
	})
}
