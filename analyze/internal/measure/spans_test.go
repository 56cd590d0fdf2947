package measure

import (
	"fmt"
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// named is a session whose texts are these, from 1 on.
func named(texts ...string) *replay.Session {
	n := names.NewNumbering()
	n.Table.Texts = append(n.Table.Texts, texts...)
	return &replay.Session{Names: &n.Table, Window: &replay.Window{From: 0, To: replay.Forever}}
}

// TestSpans: regions stand in the task that they are of, what never ends goes on to the
// end, and messages close together are one.
func TestSpans(t *testing.T) {
	s := NewSpans(named("checkout", "price", "warm up", "paid", "again", "what the machine said"))
	s.Watch(&model.Facts{Events: []model.Event{
		{Op: model.OpTaskBegin, Time: 100, Subject: 1, Arg: 1, G: 7},
		{Op: model.OpRegionBegin, Time: 200, Subject: 1, Arg: 2, G: 7},
		{Op: model.OpLog, Time: 250, Subject: 1, Arg: 4, G: 7},
		{Op: model.OpLog, Time: 251, Subject: 1, Arg: 5, G: 7},
		{Op: model.OpLog, Time: 252, Arg: 6, Flags: model.FlagMachine},
		{Op: model.OpRegionEnd, Time: 300, Subject: 1, Arg: 2, G: 7},
		{Op: model.OpRegionEnd, Time: 310, Subject: 1, Arg: 2, G: 7}, // begun before the trace
		{Op: model.OpTaskBegin, Time: 350, Subject: 2, Arg: 1, G: 8},
		{Op: model.OpTaskEnd, Time: 400, Subject: 1, G: 9},
		{Op: model.OpTaskEnd, Time: 400, Subject: 3, G: 9},
		{Op: model.OpRegionBegin, Time: 420, Arg: 3, G: 1},
		{Op: model.OpRegionEnd, Time: 440, Arg: 3, G: 1},
		{Op: model.OpRegionBegin, Time: 450, Subject: 2, Arg: 2, G: 8},
	}})
	var got report.Lanes
	s.Into(&got, 1000)
	if s := fmt.Sprint(got.Spans, got.MoreSpans); s != "[{task checkout [{100 400 7  0 false} {350 1000 8  0 true}] [{200 300 7 price 0 false} {450 1000 8 price 1 true}] 0} {region warm up [{420 440 1  0 false}] [] 0}] 0" {
		t.Errorf("got %s", s)
	}
	if s := fmt.Sprint(got.Logs); s != "[{250 7 paid 2}]" {
		t.Errorf("messages are %s", s)
	}
}

// TestSpansBounded: of many the longest are kept, of the names that have most, and it says
// how many are not.
func TestSpansBounded(t *testing.T) {
	var texts []string
	for i := range mostLanes + 10 {
		texts = append(texts, fmt.Sprint("task ", i))
	}
	s := NewSpans(named(texts...))
	const each = 5000
	at := model.Time(0)
	for i := range int64(each) {
		for name := range int64(len(texts)) {
			id := i*1000 + name
			length := model.Time(1 + (i*7919)%each) // all lengths, in no order
			s.Watch(&model.Facts{Events: []model.Event{
				{Op: model.OpTaskBegin, Time: at, Subject: id, Arg: name + 1, G: 1},
				{Op: model.OpRegionBegin, Time: at, Subject: id, Arg: 1, G: 1},
				{Op: model.OpRegionEnd, Time: at + length/2, Subject: id, Arg: 1, G: 1},
				{Op: model.OpLog, Time: at, Arg: 1},
				{Op: model.OpTaskEnd, Time: at + length, Subject: id, G: 1},
			}})
			if name == 0 {
				at += 10 * each
			}
		}
	}
	for _, l := range s.lanes {
		if len(l.spans.list) > 2*mostSpans || len(l.regions.list) > 2*mostRegions {
			t.Fatalf("%d tasks and %d regions are kept", len(l.spans.list), len(l.regions.list))
		}
	}
	var got report.Lanes
	s.Into(&got, int64(at))
	if len(got.Spans) != shownLanes || got.MoreSpans != mostLanes-shownLanes || s.missed == 0 || len(got.Logs) > mostLogColumns || len(got.Logs) < mostLogColumns/2 {
		t.Fatalf("%d lanes and %d more, %d messages, %d missed", len(got.Spans), got.MoreSpans, len(got.Logs), s.missed)
	}
	l := got.Spans[0]
	if len(l.Spans) != mostSpans || l.LeftOut != 2*each-int64(len(l.Spans)+len(l.Regions)) {
		t.Errorf("%d tasks and %d regions are kept, %d left out", len(l.Spans), len(l.Regions), l.LeftOut)
	}
	for _, x := range l.Spans {
		if x.End-x.Start <= each-mostSpans {
			t.Fatalf("one of %d ns is kept, though there are %d longer ones", x.End-x.Start, mostSpans)
		}
	}
	var logged int64
	for _, p := range got.Logs {
		logged += p.N
	}
	if logged != each*int64(len(texts)) {
		t.Errorf("%d messages are counted of %d", logged, each*len(texts))
	}
}

// TestMMU: mark workers take a P of several, a stopped world takes all, and what is no
// multiple of a column's width is told by the columns.
func TestMMU(t *testing.T) {
	const ms = model.Time(1e6)
	m := NewMMU(named())
	f := model.Facts{
		Ps: []model.PInterval{{Does: model.PDoesRun, Worker: true, Start: 500 * ms, End: 600 * ms}, {Does: model.PDoesRun, Start: 0, End: 500 * ms}},
		Gs: []model.GInterval{{State: model.GRunning, Assist: true, Start: 550 * ms, End: 600 * ms}, {State: model.GWaiting, Assist: true, Start: 0, End: 550 * ms}},
		Events: []model.Event{
			{Op: model.OpSTWEnd, Time: 1}, // begun before the trace
			{Op: model.OpSTWBegin, Time: 500 * ms}, {Op: model.OpSTWBegin, Time: 501 * ms}, {Op: model.OpSTWEnd, Time: 502 * ms}, {Op: model.OpSTWEnd, Time: 502 * ms},
		},
	}
	m.stood.Watch(&f)
	m.Watch(&f)
	r := &report.Report{Trace: report.Trace{To: int64(1000 * ms), Gomaxprocs: []report.Gomaxprocs{{N: 4}}}, GC: report.GC{Cycles: 1}}
	m.Fill(r)
	last := 0.0
	for i, p := range r.GC.MMU {
		switch {
		case i > 0 && p.Window <= r.GC.MMU[i-1].Window:
			t.Errorf("windows are not in order: %v", r.GC.MMU)
		case p.Window <= int64(ms) && p.Utilisation > .01:
			t.Errorf("in a pause of 2 ms %v is left", p)
		case p.Window > int64(8*ms) && p.Window < int64(32*ms) && (p.Utilisation < .45 || p.Utilisation > .66):
			t.Errorf("with a worker, an assist or a pause on 4 Ps %v is left", p)
		}
		last = p.Utilisation
	}
	if last < .9 || len(r.GC.MMU) < 10 {
		t.Errorf("the curve ends at %v: %v", last, r.GC.MMU)
	}
	none := &report.Report{Trace: r.Trace}
	NewMMU(named()).Fill(none)
	if none.GC.MMU != nil {
		t.Errorf("without collections there is %v", none.GC.MMU)
	}
}
