package render

import (
	_ "embed"
	"html/template"
	"regexp"
	"sync"
)

//go:embed static/gmptrace.css
var style string

//go:embed static/selection.css
var selectionStyle string

// pageStyle is what all pages look like, reportStyle what a report does. Comments and
// blanks are left out: a page is to have room for slices instead.
var (
	pageStyle   = sync.OnceValue(func() template.CSS { return squeezed(style) })
	reportStyle = sync.OnceValue(func() template.CSS { return squeezed(style + selectionStyle) })
)

var (
	styleComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	styleBlank   = regexp.MustCompile(`\s*([{};,])\s*|;?\s*(})\s*|(:)\s+`)
)

// squeezed is a style sheet without comments and blanks around marks, of which its texts
// have none.
func squeezed(sheet string) template.CSS {
	return template.CSS(styleBlank.ReplaceAllString(styleComment.ReplaceAllString(sheet, ""), "$1$2$3"))
}
