package model_test

import (
	"strings"
	"testing"

	"gmptrace/fixtures/scenario"
	"gmptrace/model"
)

// TestStretchFlags: what stretches say of how they began and ended: by a wake-up,
// by sysmon, by the goroutine's end.
func TestStretchFlags(t *testing.T) {
	var in scenario.Reader
	s := model.New(model.RulesFor(26), 0)
	for _, line := range strings.Split(strings.TrimSpace(`
gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running
newproc g=2 p=0 m=0 by=1
park g=1 p=0 m=0 reason=network
execute g=2 p=0 m=0
ready g=1 nostack
gosched g=2 p=0 m=0
execute g=1 p=0 m=0
goexit g=1 p=0 m=0
execute g=2 p=0 m=0
park g=2 p=0 m=0 reason=sleep
ready g=2 p=0 m=0 nostack
execute g=2 p=0 m=0
`), "\n") {
		ev, err := in.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		s.Step(&ev)
	}
	s.Close()
	var got []string
	for _, iv := range s.Facts.Gs {
		for flag, set := range map[string]bool{"woken": iv.Woken, "polled": iv.Polled, "exit": iv.Exit} {
			if set {
				got = append(got, strings.Join([]string{map[model.GoID]string{1: "G1", 2: "G2"}[iv.G], flag}, " "))
			}
		}
	}
	if got, want := strings.Join(got, ", "), "G1 polled, G1 woken, G1 exit, G2 woken"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
