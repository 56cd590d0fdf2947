package render

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
	parent := running(t)
	ctx, cancel := chromedp.NewContext(parent)
	defer cancel()
	p := &tab{TB: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	p.look(view{width: desktop, height: 768})
	p.do(chromedp.Navigate(server.URL + "/token/#t=1250000000-1260000000&row=P3&g=4711"))
	p.loaded()
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
