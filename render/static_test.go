package render

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestBundle: the committed script is the one that its sum names (npm run build
// writes both), and can stand inside a script element.
func TestBundle(t *testing.T) {
	sum, err := os.ReadFile("static/gmptrace.bundle.js.sha256")
	if err != nil {
		t.Fatal(err)
	}
	got := sha256.Sum256([]byte(bundle))
	if want, _, _ := strings.Cut(string(sum), " "); hex.EncodeToString(got[:]) != want {
		t.Error("static/gmptrace.bundle.js is not what gmptrace.bundle.js.sha256 names; run npm ci && npm run build in render/static")
	}
	if lower := strings.ToLower(bundle); strings.Contains(lower, "</script") || strings.Contains(lower, "<!--") {
		t.Error("the bundle would end the script element it stands in")
	}
}

// TestLockfile: packages come from wherever npm is told to take them.
func TestLockfile(t *testing.T) {
	raw, err := os.ReadFile("static/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "http") {
		t.Error("static/package-lock.json names a host")
	}
	if !strings.Contains(string(raw), `"integrity": "sha512-`) {
		t.Error("static/package-lock.json pins no package by its sum")
	}
}

// TestStyleSqueezed: what is left out of the style sheets is nothing that a text of theirs
// has, and no rule.
func TestStyleSqueezed(t *testing.T) {
	sheet := style + selectionStyle
	got := string(reportStyle())
	if strings.Contains(got, "/*") || len(got) >= len(sheet) {
		t.Error("comments were left in")
	}
	if strings.Count(got, "{") != strings.Count(styleComment.ReplaceAllString(sheet, ""), "{") {
		t.Error("rules are missing")
	}
	for _, text := range regexp.MustCompile(`"[^"\n]*"`).FindAllString(styleComment.ReplaceAllString(sheet, ""), -1) {
		if strings.ContainsAny(text, "{};,") {
			t.Errorf("the text %s would lose its blanks", text)
		}
	}
}
