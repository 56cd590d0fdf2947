// Package render writes a report.Report or a report.Explanation: as one
// self-contained web page, as text for a terminal, and as JSON. It works nothing
// out about the trace that they do not say; it scales units, orders, words and
// draws.
//
//	Report ──▶ clean: every string made safe to print
//	       ──▶ HTML: templates + charts (go-echarts options) + timeline block ──▶ page
//	       ──▶ Text: sections ──▶ terminal
//	Report ──▶ JSON
//	Explanation ──▶ HTML (templates alone: its page has no script), Text, JSON
//	Checked ──▶ text, JSON, JUnit XML, SARIF, Markdown (checked*.go)
//
// What writes X as text is in text_x.go, what writes it as a page in page_x.go,
// and what both share in x.go.
//
// Names in a trace (functions, tasks, causes, files) are whatever the traced
// program chose, so none is trusted. The page never uses go-echarts' own
// renderer, which writes names into scripts unescaped: options go in as JSON
// that encoding/json has escaped, and every function lives in the one script
// that static/ holds and the page's Content-Security-Policy names by its hash.
package render
