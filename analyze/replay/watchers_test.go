package replay_test

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/internal/timeline"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/rules"
)

const slicesKept = 2000 // fewer than a trace has: which ones are kept counts too

// fillers are those that fill a report, each with what it asks for by itself.
var fillers = []func(*replay.Session){
	alone(measure.NewFunctions),
	alone(measure.NewWaits),
	alone(measure.NewEpisodes),
	alone(measure.NewProcs),
	alone(measure.NewGC),
	alone(measure.NewMMU),
	alone(measure.NewPreemptions),
	alone(measure.NewHandoffs),
	alone(measure.NewDispatches),
	alone(measure.NewThreads),
	rules.Add,
	alone(measure.NewTasks),
	alone(measure.NewColumns),
	explain.AddSlowest,
	explain.AddSpans,
	func(s *replay.Session) { s.Add(timeline.NewTracker(s, slicesKept, nil)) },
}

func alone[T any](make func(*replay.Session) T) func(*replay.Session) {
	return func(s *replay.Session) { replay.Shared(s, make) }
}

// TestWatchersInOrder: everything that a report needs is told once, after what it
// asks itself.
func TestWatchersInOrder(t *testing.T) {
	var s *replay.Session
	told(t, "webshop-go1.26-p2-race", func(x *replay.Session) {
		s = x
		everyone().Begin(x)
	})
	place := map[string]int{}
	for i, w := range s.Watchers() {
		name := strings.ToLower(reflect.TypeOf(w).Elem().Name())
		if _, twice := place[name]; twice {
			t.Errorf("%s is told twice", name)
		}
		place[name] = i
	}
	for _, pair := range [][2]string{{"functions", "waits"}, {"gc", "columns"}, {"waits", "tracker"}} {
		if place[pair[0]] >= place[pair[1]] {
			t.Errorf("%s is told after %s, which asks it", pair[0], pair[1])
		}
	}
}

// TestWatchersApart tells every filler of the report what recorded traces hold, with
// nobody else there than whom it asks for: it fills in what it does among all others.
func TestWatchersApart(t *testing.T) {
	for _, name := range []string{"webshop-go1.26-p2-race", "staticcheck-go1.26-p2", "router-go1.26-p2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := filled(t, name, everyone().Begin)
			seen := map[string]bool{}
			for _, begin := range fillers {
				for who, got := range filled(t, name, begin) {
					seen[who] = true
					if d := difference(got, all[who]); d != "" {
						t.Errorf("%s, alone, fills in else than among the others: %s", who, d)
					}
				}
			}
			for who := range all {
				if !seen[who] {
					t.Errorf("%s fills the report: name it in fillers", who)
				}
			}
		})
	}
}

// everyone is all that a report can need.
func everyone() *analyze.Analysis {
	return &analyze.Analysis{Options: analyze.Options{Slices: slicesKept, Spans: true}}
}

// told tells the watchers that begin adds of a recorded trace.
func told(t *testing.T, name string, begin func(*replay.Session)) report.Trace {
	t.Helper()
	data := readTrace(t, "../../fixtures/traces/real/"+name+".trace")
	tr, err := replay.Run(t.Context(), bytes.NewReader(data), replay.Options{Name: name}, begin)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// leaves are the values in a report by where they stand.
type leaves map[string]string

// filled is what each filler that begin adds fills in a report on a recorded trace.
func filled(t *testing.T, name string, begin func(*replay.Session)) map[string]leaves {
	t.Helper()
	var s *replay.Session
	rep := &report.Report{Trace: told(t, name, func(x *replay.Session) {
		s = x
		begin(x)
	})}
	out := map[string]leaves{}
	before := leaves{}
	before.add("", reflect.ValueOf(rep))
	for _, w := range s.Watchers() {
		f, ok := w.(replay.Filler)
		if !ok {
			continue
		}
		f.Fill(rep)
		after := leaves{}
		after.add("", reflect.ValueOf(rep))
		changed := leaves{}
		for where, value := range after {
			if before[where] != value {
				changed[where] = value
			}
		}
		out[reflect.TypeOf(w).Elem().String()], before = changed, after
	}
	return out
}

// add adds what is in v, which stands at where.
func (l leaves) add(where string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			l.add(where, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			l.add(where+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			l[where] = fmt.Sprint(v)
			return
		}
		for i := range v.Len() {
			l.add(fmt.Sprintf("%s[%d]", where, i), v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			l.add(fmt.Sprintf("%s[%v]", where, k), v.MapIndex(k))
		}
	default:
		l[where] = fmt.Sprint(v)
	}
}

// difference is where two of them differ first, "" for nowhere.
func difference(got, want leaves) string {
	both := leaves{}
	maps.Copy(both, want)
	maps.Copy(both, got)
	for _, where := range slices.Sorted(maps.Keys(both)) {
		if got[where] != want[where] {
			return fmt.Sprintf("%s is %q, not %q", where, got[where], want[where])
		}
	}
	return ""
}
