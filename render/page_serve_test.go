package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestPageServed lets a page fetch what it lacks, and shows that it then has it and
// asks no more.
func TestPageServed(t *testing.T) {
	whole := sample(8, 20_000)
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/window") {
			asked = append(asked, req.URL.RawQuery)
			if err := Window(w, whole); err != nil {
				t.Error(err)
			}
			return
		}
		if err := Served(w, partial(sample(8, 20_000))); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	p := openServed(t, server.URL+"/token/#t=1250000000-1260000000&row=P3&g=4711", view{width: desktop, height: 768})
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`gmptrace.timeline.show([%d, %d], 0)`, 900*ms, 910*ms)),
		wait(`document.getElementById('fetched').textContent.startsWith('This window')`))
	if got := eval[string](p, `document.getElementById('fetched').textContent + JSON.stringify(gmptrace.timeline.view.rows.map((r) => r.id)) + gmptrace.timeline.view.row`); !strings.HasPrefix(got, "This window is in full detail.") || !strings.Contains(got, `["P3","G4711","P0"`) || !strings.HasSuffix(got, "]0") {
		t.Errorf("the page shows %s", got)
	}
	lands(p, 900*ms, 910*ms, 3)
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`gmptrace.timeline.show([%d, %d], 0), new Promise((f) => setTimeout(f, 600))`, 100*ms, 110*ms), chromedp.EvalAwaitPromise))
	if len(asked) != 1 || !strings.HasPrefix(asked[0], "from=900000000&to=91000000") { // to a nanosecond: it comes from pixels
		t.Errorf("asked for %q", asked)
	}
	for _, trouble := range p.troubles() {
		t.Error(trouble)
	}
}

// TestPageAsks has a served page explain something, cancels that, asks again, goes on from
// the explanation, and comes back by the address.
func TestPageAsks(t *testing.T) {
	r := sample(8, 20_000)
	var cancelled atomic.Bool
	hold := make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var page bytes.Buffer
		switch path.Base(req.URL.Path) {
		case "window":
			_ = Window(w, r)
			return
		case ExplainPath:
			flush := http.NewResponseController(w).Flush
			fmt.Fprintln(w, `{"text":"Reading the trace: 40 %","part":0.4}`)
			_ = flush()
			select {
			case <-req.Context().Done():
				cancelled.Store(true)
				return
			case <-hold:
			}
			if err := ExplainServed(&page, sampleExplanation(), r, PageLink{"./", "Report"}); err != nil {
				t.Error(err)
			}
		case WhatIfPath:
			if err := WhatIfServed(&page, predictions(), PageLink{"./", "Report"}); err != nil {
				t.Error(err)
			}
		default:
			if err := Served(w, r, PageLink{"../", "What changed"}); err != nil {
				t.Error(err)
			}
			return
		}
		if req.Header.Get("Accept") != "application/x-ndjson" {
			_, _ = w.Write(page.Bytes())
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"page": page.String()})
	}))
	defer server.Close()
	p := openServed(t, server.URL+"/token/", view{width: desktop, height: 768})
	sheet := `document.getElementById('sheet')`
	click := func(selector string) {
		t.Helper()
		p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).click()`, selector)))
	}

	click(`#slow1 a.ask`)
	p.do(wait(sheet + `.open && document.getElementById('sheet-bar').value === 0.4`))
	click(`#sheet-close`)
	p.do(wait(`!` + sheet + `.open && location.hash === ''`))
	for range 500 {
		if cancelled.Load() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !cancelled.Load() {
		t.Error("Cancel leaves the server reading")
	}

	go func() { hold <- true }()
	click(`#slow1 a.ask`)
	shown := `document.getElementById('sheet-page').shadowRoot`
	p.do(wait(`document.getElementById('sheet-bar').hidden && ` + shown + `.querySelector('#slowest')`))
	for _, violation := range p.violations("") {
		t.Error(violation)
	}
	address := eval[string](p, `location.href`)
	if !strings.Contains(address, "#ask=explain%3Fhttp%3D") {
		t.Errorf("the address of an explanation is %s", address)
	}
	link := shown + `.querySelector('.instance .where a')`
	want := eval[string](p, link+`.hash`)
	p.do(chromedp.Evaluate[chromedp.Void](link+`.click()`), wait(`!`+sheet+`.open && location.hash.split('&')[0] === `+fmt.Sprintf("%q", strings.Split(want, "&")[0])))
	if got := eval[string](p, `gmptrace.timeline.hash()`); !strings.HasPrefix(got, strings.Split(want, "&")[0]) {
		t.Errorf("the explanation led to %s, not to %s", got, want)
	}

	go func() { hold <- true }()
	p.do(chromedp.Evaluate[chromedp.Void](`history.back()`), wait(sheet+`.open && document.getElementById('sheet-bar').hidden && `+shown+`.querySelector('#slowest')`))

	click(`#sheet-close`)
	click(`#what-if-open`)
	p.do(wait(`document.getElementById('what-if').open`))
	for _, violation := range p.violations("") {
		t.Error(violation)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[name=gomaxprocs]').value = '2,4', document.querySelector('[name=no-steal]').checked = true, document.querySelector('#what-if-form [type=submit]').click()`),
		wait(sheet+`.open && `+shown+`.querySelector('#h-runs')`))
	if got := eval[string](p, `decodeURIComponent(location.hash)`); got != "#ask=whatif?gomaxprocs=2%2C4&no-steal=true" {
		t.Errorf("asked for %s", got)
	}
	for _, violation := range p.violations("") {
		t.Error(violation)
	}
	for _, trouble := range p.troubles() {
		t.Error(trouble)
	}
}

// openServed opens what a server serves.
func openServed(t *testing.T, address string, v view) *tab {
	t.Helper()
	parent := running(t)
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	p := &tab{TB: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	p.look(v)
	p.do(chromedp.Navigate(address))
	p.loaded()
	return p
}
