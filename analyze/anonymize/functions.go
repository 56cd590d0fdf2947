package anonymize

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
)

// pkg is a package whose names are replaced.
type pkg struct {
	to     string
	idents map[string]string
	counts map[string]int // by word
}

// function is what stands for a function: its package, and each part of its name behind
// that, by themselves. So what is one for a reader of names is one afterwards.
func (n *namer) function(name string) string {
	if path, ok := cutShort(name); ok && n.known.keeps(path) {
		n.keptPackages[unescaped(path)] = true
		return name // of the standard library, say, by which analyses know it
	}
	path, rest := splitFunction(name)
	p := n.of(path)
	if below := belowVendor(path); n.known.keeps(below) {
		n.keptPackages[unescaped(below)] = true
		return p.to + n.keptParts(p, rest)
	}
	if path == "" {
		return n.ident(p, rest[1:], "fn")
	}
	return p.to + n.parts(p, rest, path == "main")
}

// balanced reports whether a name's brackets are: those of a name that was cut are not.
func balanced(s string) bool {
	var open []byte
	for i := range len(s) {
		switch at := strings.IndexByte("([{)]}", s[i]); {
		case at >= 3:
			if len(open) == 0 || open[len(open)-1] != byte(at-3) {
				return false
			}
			open = open[:len(open)-1]
		case at >= 0:
			open = append(open, byte(at))
		}
	}
	return len(open) == 0
}

// shortened is a name that the linker made of a function within a generic one, without its
// type arguments: it may lack a bracket.
var shortened = regexp.MustCompile(`^([a-z0-9/]+)\.[\w.()*-]+$`)

// cutShort is the package of a name that lacks a bracket. ok is false of other names, and
// of those that may name something of another package too.
func cutShort(name string) (path string, ok bool) {
	if balanced(name) {
		return "", false
	}
	m := shortened.FindStringSubmatch(strings.ReplaceAll(name, "[...]", ""))
	if m == nil {
		return "", false
	}
	return m[1], true
}

// belowVendor is an import path without the folder of copies that it lies in.
func belowVendor(path string) string {
	if i := strings.LastIndex(path, "/vendor/"); i >= 0 {
		return path[i+len("/vendor/"):]
	}
	return path
}

// splitFunction splits a function's full name into its package's import path and the rest,
// which begins with a dot. Names that are no Go function's have no package.
func splitFunction(name string) (path, rest string) {
	if !balanced(name) {
		return "", "." + name
	}
	head := name
	if i := strings.IndexAny(name, "[({ "); i >= 0 {
		head = name[:i] // there are import paths in type arguments too
	}
	slash := strings.LastIndexByte(head, '/') + 1
	dot := strings.IndexByte(head[slash:], '.')
	if dot < 0 || slash+dot == 0 {
		return "", "." + name
	}
	return name[:slash+dot], name[slash+dot:]
}

// of is a package, by its import path.
func (n *namer) of(path string) *pkg {
	p := n.packages[path]
	if p == nil {
		p = &pkg{to: n.packageName(path), idents: map[string]string{}, counts: map[string]int{}}
		n.packages[path] = p
		n.rename("package", path, p.to)
	}
	return p
}

// packageName is what stands for an import path.
func (n *namer) packageName(path string) string {
	if path == "" || path == "main" || n.known.keeps(path) {
		return path
	}
	if below := belowVendor(path); below != path {
		return n.of(strings.TrimSuffix(path, "/vendor/"+below)).to + "/vendor/" + n.of(below).to
	}
	if tested, is := strings.CutSuffix(path, "_test"); is {
		return n.of(tested).to + "_test"
	}
	first, _, below := strings.Cut(path, "/")
	switch standard := names.Standard(&report.Frame{Func: path + "."}); {
	case standard && below:
		return first + "/" + n.nextPackage() // is taken for the standard library's, before and after
	case standard:
		return first
	}
	return n.nextPackage()
}

// nextPackage is the next name of a package that is not one of those that stay.
func (n *namer) nextPackage() string {
	for {
		n.packageCount++
		if to := "pkg" + strconv.Itoa(n.packageCount); !n.known.keeps(to) {
			return to
		}
	}
}

// split cuts a name at dots that stand in no brackets.
func split(s string) (parts []string) {
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '.':
			if depth <= 0 {
				parts = append(parts, s[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, s[start:])
}

// ofCompiler are parts of names that the compiler makes up: of closures, of what go and
// defer wrap, of initialisation.
var ofCompiler = regexp.MustCompile(`^(func|gowrap|deferwrap|dwrap|abi)?[0-9]*$|^(init|glob|abiinternal)$`)

// endings are what the compiler puts behind a part: of method values, of loop bodies.
var endings = regexp.MustCompile(`(-fm|-range[0-9]+|·f)+$`)

// parts replaces what follows a package in a function's name.
func (n *namer) parts(p *pkg, rest string, main bool) string {
	var b strings.Builder
	list := split(rest[1:])
	method := false // the part before was a type
	for i, part := range list {
		end := endings.FindString(part)
		part = part[:len(part)-len(end)]
		b.WriteByte('.')
		word := "fn"
		switch {
		case ofCompiler.MatchString(part), main && i == 0 && part == "main":
			b.WriteString(part + end)
			method = false
			continue
		case strings.HasPrefix(part, "("):
			word = "type"
		case method:
			word = "method"
		case i == 0 && len(list) > 1 && !ofCompiler.MatchString(endings.ReplaceAllString(list[1], "")):
			word = "type" // of a method whose receiver is no pointer; or a function, with one that was inlined
		}
		method = word == "type"
		b.WriteString(n.part(p, part, word) + end)
	}
	return b.String()
}

// part replaces an identifier, in the brackets that it stands in, and what types it has
// for arguments.
func (n *namer) part(p *pkg, part, word string) string {
	before, after := "", ""
	if inner, is := strings.CutPrefix(part, "("); is {
		before, after, part = "(", ")", strings.TrimSuffix(inner, ")")
		if inner, is = strings.CutPrefix(part, "*"); is {
			before, part = "(*", inner
		}
	}
	if i := strings.IndexByte(part, '['); i > 0 {
		part, after = part[:i], n.arguments(p, part[i:])+after
	}
	return before + n.ident(p, part, word) + after
}

// arguments are type arguments, which the tracer mostly writes as dots.
func (n *namer) arguments(p *pkg, s string) string {
	if s == "[...]" {
		return s
	}
	return "[" + n.ident(p, s, "types") + "]"
}

// keptParts is what follows a package that is kept in a function's name. What names of
// other packages may be in it are types, and functions that were inlined into an instance
// of a generic one.
func (n *namer) keptParts(p *pkg, rest string) string {
	list := split(rest[1:])
	for i, part := range list {
		at := strings.IndexByte(part, '[')
		switch {
		case at >= 0:
			end := strings.LastIndexByte(part, ']') + 1
			list[i] = part[:at] + n.arguments(p, part[at:max(end, at)]) + part[max(end, at):]
		case i == 1 && len(list) > 2 && strings.HasSuffix(list[0], "]") && !ofCompiler.MatchString(part):
			list[i] = n.ident(p, part, "fn")
		}
	}
	return "." + strings.Join(list, ".")
}

// ident is what stands for an identifier of a package: the word of what it was first, and
// a number.
func (n *namer) ident(p *pkg, ident, word string) string {
	if n.known.methods[ident] {
		return ident
	}
	if to, ok := p.idents[ident]; ok {
		return to
	}
	if names.WaitsByName("." + ident) {
		word = "wait" // what is told of it follows from that
	}
	if r, _ := utf8.DecodeRuneInString(ident); unicode.IsUpper(r) {
		word = strings.ToUpper(word[:1]) + word[1:]
	}
	p.counts[word]++
	to := word + strconv.Itoa(p.counts[word])
	switch {
	case strings.HasPrefix(ident, "_") && strings.HasSuffix(ident, "_Handler"):
		to = "_" + to + "_Handler" // gRPC's compiler names so what calls a handler
	default:
		to += mark(ident)
	}
	p.idents[ident] = to
	n.size += int64(len(ident)+len(to)) + entryBytes
	return to
}
