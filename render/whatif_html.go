package render

import (
	"io"

	"gmptrace/analyze"
)

// WhatIfHTML writes predictions as one page that needs nothing else.
func WhatIfHTML(w io.Writer, x *analyze.WhatIf) error { return WhatIfText(w, x, TextOptions{}) }
