package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of a policy: its size in bytes, and how deep brackets nest. One that is
// written by hand never comes near, and the parser takes time that grows with the
// square of either.
const (
	maxFile = 128 << 10
	maxDeep = 200
)

// file is a policy's text, and what is wrong in it.
type file struct {
	name   string
	lines  [][]rune
	errors Errors
}

func newFile(name string, text []byte) *file {
	f := &file{name: name}
	for line := range strings.Lines(string(text)) {
		f.lines = append(f.lines, []rune(strings.TrimRight(line, "\r\n")))
	}
	return f
}

// place is a place in a file: line and column, counted from 1. The zero place is
// the file as a whole.
type place struct{ line, column int }

func (f *file) wrong(at place, format string, args ...any) {
	e := &Error{File: f.name, Line: at.line, Column: at.column, Text: fmt.Sprintf(format, args...)}
	if at.line > 0 && at.line <= len(f.lines) {
		e.Source = string(f.lines[at.line-1])
	}
	f.errors = append(f.errors, e)
}

// parse is the one document of a YAML file, nil with an error in f if there is
// none.
func (f *file) parse(text []byte) (root ast.Node) {
	switch {
	case len(text) > maxFile:
		f.wrong(place{}, "is too large for a policy: %d bytes, and %d are the most", len(text), maxFile)
		return nil
	case !utf8.Valid(text):
		f.wrong(place{}, "is not UTF-8 text")
		return nil
	}
	if at, deep := f.tooDeep(); deep {
		f.wrong(at, "more than %d brackets are open here: a policy nests less", maxDeep)
		return nil
	}
	defer func() {
		if p := recover(); p != nil { // the parser is not ours
			root = nil
			f.wrong(place{}, "is not YAML that can be read: %v", p)
		}
	}()
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		f.syntaxError(err)
		return nil
	}
	var docs []ast.Node
	for _, d := range doc.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			docs = append(docs, d.Body)
		}
	}
	switch len(docs) {
	case 0:
		f.wrong(place{}, "has no rules in it: `gmptrace policy init` writes a policy to start from")
		return nil
	case 1:
		return docs[0]
	}
	f.wrong(start(docs[1]), "a second YAML document: a policy is one")
	return nil
}

// tooDeep is where more brackets are open than a policy has use for. Quotes and
// comments are not looked at: nobody writes that many there either.
func (f *file) tooDeep() (place, bool) {
	deep := 0
	for i, line := range f.lines {
		for j, c := range line {
			switch c {
			case '[', '{':
				deep++
			case ']', '}':
				deep = max(0, deep-1)
			}
			if deep > maxDeep {
				return place{i + 1, j + 1}, true
			}
		}
	}
	return place{}, false
}

func (f *file) syntaxError(err error) {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
		at := place{y.GetToken().Position.Line, y.GetToken().Position.Column}
		hint := ""
		if strings.Contains(y.GetMessage(), "mapping value is not allowed") {
			hint = "; put a text with a colon in it into quotes"
		}
		f.wrong(at, "%s%s", y.GetMessage(), hint)
		return
	}
	f.wrong(place{}, "is not YAML: %v", err)
}

// start is where a node begins.
func start(n ast.Node) place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return start(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return start(n.Key)
	}
	p := n.GetToken().Position
	return place{p.Line, max(1, p.Column)}
}

// pair is a key and its value.
type pair struct {
	key   string
	at    place // of the key
	value ast.Node
}

// entries are the entries of a mapping, of which keys are all the keys it may
// have. what is what it is, for messages.
func (f *file) entries(n ast.Node, what string, keys []string) []pair {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		f.wrong(start(n), "%s must have keys and values, such as %s: …", what, keys[0])
		return nil
	}
	var out []pair
	for _, v := range values {
		e := pair{key: v.Key.GetToken().Value, at: start(v.Key), value: v.Value}
		if !slices.Contains(keys, e.key) {
			f.wrong(e.at, "%s has no key %q%s%s", what, e.key, didYouMean(e.key, keys), keysAre(e.key, keys))
			continue
		}
		out = append(out, e)
	}
	return out
}

// keysAre lists the keys where none is like the one that was written.
func keysAre(written string, keys []string) string {
	if nearest(written, keys) != "" {
		return ""
	}
	return ": it may have " + strings.Join(keys, ", ")
}

// scalar is a text of the file.
type scalar struct {
	text string
	at   place
	from place // where its characters begin: past a quote, or in the line after |
	set  bool
}

// scalar reads the value of an entry as a text.
func (f *file) scalar(e pair) scalar {
	at := e.at
	if e.value != nil {
		at = start(e.value)
	}
	switch n := e.value.(type) {
	case *ast.StringNode:
		from := at
		if c := f.runeAt(at); c == '"' || c == '\'' {
			from.column++
		}
		return scalar{n.Value, at, from, true}
	case *ast.LiteralNode:
		return scalar{n.Value.Value, at, place{at.line + 1, 1}, true}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return scalar{n.GetToken().Value, at, at, true}
	case *ast.TagNode:
		f.wrong(at, "%s begins with !, which YAML takes for a tag: put it into quotes", e.key)
	case *ast.AnchorNode, *ast.AliasNode:
		f.wrong(at, "%s begins with & or *, which YAML takes for an anchor or alias: put it into quotes; anchors are not for policies", e.key)
	case *ast.NullNode, nil:
		f.wrong(e.at, "%s has no value", e.key)
	default:
		f.wrong(at, "%s must be a text", e.key)
	}
	return scalar{}
}

func (f *file) runeAt(at place) rune {
	if at.line < 1 || at.line > len(f.lines) || at.column < 1 || at.column > len(f.lines[at.line-1]) {
		return '\n'
	}
	return f.lines[at.line-1][at.column-1]
}

// placeOf is where in the file the character of a scalar's text with this index
// stands. YAML folds lines, strips their indentation and resolves escapes, so that
// the two are followed side by side: what is in the file only is skipped.
func (f *file) placeOf(s scalar, index int) place {
	at := s.from
	text := []rune(s.text)
	next := func() bool {
		if at.line > len(f.lines) {
			return false
		}
		if at.column++; at.column > len(f.lines[at.line-1])+1 {
			at = place{at.line + 1, 1}
		}
		return at.line <= len(f.lines)
	}
	for i := 0; i < len(text); i++ {
		if !unicode.IsSpace(text[i]) {
			for f.runeAt(at) != text[i] {
				if !next() {
					return s.at
				}
			}
		}
		if i >= index {
			break
		}
		if !unicode.IsSpace(text[i]) || unicode.IsSpace(f.runeAt(at)) {
			next()
		}
	}
	return at
}

// nameAt is where the name of the function begins whose ( is at a place; any other
// place is itself.
func (f *file) nameAt(at place) place {
	if f.runeAt(at) != '(' {
		return at
	}
	begin := at
	for begin.column > 1 {
		c := f.runeAt(place{begin.line, begin.column - 1})
		if c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			break
		}
		begin.column--
	}
	return begin
}
