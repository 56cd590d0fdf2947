// Package schema has the JSON schemas of what gmptrace writes, and the account of it.
package schema

import "embed"

// Files are NAME.schema.json of each output, and README.md.
//
//go:embed *.schema.json README.md
var Files embed.FS
