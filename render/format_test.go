package render

import (
	"encoding/json"
	"os"
	"testing"
)

// TestFormats holds the Go formats to the table that the page's script is held
// to as well (static/test/format.test.js).
func TestFormats(t *testing.T) {
	raw, err := os.ReadFile("testdata/format.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string][][]any
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	formats := map[string]func(args []any) string{
		"dur":    func(a []any) string { return dur(int64(a[0].(float64))) },
		"offset": func(a []any) string { return offset(int64(a[0].(float64)), int64(a[1].(float64))) },
		"count":  func(a []any) string { return count(int64(a[0].(float64))) },
		"pct":    func(a []any) string { return pct(a[0].(float64)) },
	}
	for name, format := range formats {
		if len(cases[name]) == 0 {
			t.Errorf("no cases for %s", name)
		}
		for _, c := range cases[name] {
			args, want := c[:len(c)-1], c[len(c)-1]
			if got := format(args); got != want {
				t.Errorf("%s(%v) = %q, want %q", name, args, got, want)
			}
		}
	}
}

func TestSharesAndSizes(t *testing.T) {
	for got, want := range map[string]string{
		share(1, 0): "–", share(int64(1), 4): "25" + nbsp + "%", mean(12.44): "12.4", mean(0): "0.0", mean(0.01): "<0.1", mean(1234.5): "1" + thin + "235",
		prose("3 s of 4.2 µs: 5 % of 6 MB, 7 spans"): "3" + nbsp + "s of 4.2" + nbsp + "µs: 5" + nbsp + "% of 6" + nbsp + "MB, 7 spans",
		size(999): "999" + nbsp + "bytes", size(21_400_000): "21.4" + nbsp + "MB", plural(1, "wait"): "1" + nbsp + "wait", plural(2, "wait"): "2" + nbsp + "waits",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
