package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Unread are the rows of a trace that cannot be read for now, and say why: its medium
// fails, or somebody is writing it. They are part of a fleet, and nobody should keep them,
// as it may be there the next time. The key is that of the trace, or "" if that is not
// known either: then one of in.Path stands for it.
func Unread(in Input, key string, why error) *Rows {
	if key == "" {
		key = unreadKey(in.Path)
	}
	b := builder{in: in, key: key}
	return b.unreadable("it cannot be read: " + reason(why).Error())
}

func unreadKey(path string) string {
	sum := sha256.Sum256([]byte(path))
	return "unread-" + hex.EncodeToString(sum[:8])
}

// Takes tells what a file of a folder is taken for, by its name: a trace, rows, or neither.
func Takes(name string) (trace, rows bool) {
	return traceNames.MatchString(name), strings.HasSuffix(name, RowsSuffix)
}
