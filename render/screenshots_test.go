package render

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	cdpage "github.com/chromedp/cdproto/page"

	"gmptrace/analyze"
	"gmptrace/analyze/replay"
)

var screenshots = flag.String("screenshots", "", "folder to write the README's pictures to")

// TestScreenshots takes the pictures in the README: make screenshots.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("only with -screenshots")
	}
	f, err := os.Open("../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := analyze.Analyze(context.Background(), f, analyze.Options{Options: replay.Options{Name: f.Name()}, Slices: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	p := open(t, r, view{width: desktop, height: 1000})
	p.picture("report.png", cdpage.CaptureScreenshotParams{})

	p = open(t, r, view{width: desktop, height: 1000, hash: "#t=1195000000-1475000000&row=P1&g=893,895&m=0"})
	clip := eval[*cdpage.Viewport](p, `(() => {
		const {timeline: t} = gmptrace, track = t.view.rows[t.view.row].track;
		let longest = 0;
		for (let i = 0; i < track.n; i++) if (track.end[i] - track.start[i] > track.end[longest] - track.start[longest]) longest = i;
		t.goTo({track, i: longest});
		t.show([1195e6, 1475e6]);
		for (const stays of document.querySelectorAll('.overview, .detail')) stays.style.position = 'static'; // they would cover something
		document.activeElement.blur();
		scrollTo(0, 0);
		const {x, y, width, height} = document.getElementById('timeline-section').getBoundingClientRect();
		return {x, y: y + scrollY, width, height, scale: 1};
	})()`)
	beyond := true
	p.picture("timeline.png", cdpage.CaptureScreenshotParams{Clip: clip, CaptureBeyondViewport: &beyond})
}

// picture writes what p shows into a file.
func (p *tab) picture(name string, params cdpage.CaptureScreenshotParams) {
	p.quiet()
	raw := call(p, cdpage.CaptureScreenshot, params).Data
	if err := os.WriteFile(filepath.Join(*screenshots, name), raw, 0o644); err != nil {
		p.Fatal(err)
	}
}
