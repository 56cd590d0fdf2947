package render

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// xsdSchema is the part of XML Schema that testdata/junit.xsd uses: named complex
// types with a sequence of elements that may begin with a choice, attributes, and
// simple types.
type xsdSchema struct {
	Elements []xsdElement `xml:"element"`
	Types    []xsdType    `xml:"complexType"`
}

type xsdElement struct {
	Name   string   `xml:"name,attr"`
	Type   string   `xml:"type,attr"`
	Min    string   `xml:"minOccurs,attr"`
	Max    string   `xml:"maxOccurs,attr"`
	Inline *xsdType `xml:"complexType"`
}

type xsdType struct {
	Name     string         `xml:"name,attr"`
	Mixed    bool           `xml:"mixed,attr"`
	Sequence []xsdElement   `xml:"sequence>element"`
	Choice   *xsdChoice     `xml:"sequence>choice"`
	Attrs    []xsdAttribute `xml:"attribute"`
}

type xsdChoice struct {
	Min      string       `xml:"minOccurs,attr"`
	Elements []xsdElement `xml:"element"`
}

type xsdAttribute struct {
	Name string `xml:"name,attr"`
	Type string `xml:"type,attr"`
	Use  string `xml:"use,attr"`
}

// xmlNode is an element of a document.
type xmlNode struct {
	name     string
	attrs    []xml.Attr
	children []*xmlNode
	text     string
}

func readXSD(t *testing.T, path string) *xsdSchema {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s xsdSchema
	if err := xml.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// parseXML reads a whole document, strictly.
func parseXML(doc []byte) (*xmlNode, error) {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	root := &xmlNode{}
	open := []*xmlNode{root}
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			if len(root.children) != 1 {
				return nil, fmt.Errorf("%d root elements", len(root.children))
			}
			return root.children[0], nil
		}
		if err != nil {
			return nil, err
		}
		last := open[len(open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &xmlNode{name: tok.Name.Local, attrs: tok.Attr}
			last.children = append(last.children, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(tok)
		}
	}
}

func (s *xsdSchema) validate(doc []byte) error {
	n, err := parseXML(doc)
	if err != nil {
		return err
	}
	for i := range s.Elements {
		if s.Elements[i].Name == n.name {
			return s.element(&s.Elements[i], n)
		}
	}
	return fmt.Errorf("<%s> is no root", n.name)
}

func (s *xsdSchema) element(e *xsdElement, n *xmlNode) error {
	typ := e.Inline
	for i := range s.Types {
		if s.Types[i].Name == e.Type {
			typ = &s.Types[i]
		}
	}
	if typ == nil {
		if len(n.children)+len(n.attrs) > 0 {
			return fmt.Errorf("<%s> must be a text", n.name)
		}
		return simple(e.Type, n.text)
	}
	if !typ.Mixed && strings.TrimSpace(n.text) != "" {
		return fmt.Errorf("<%s> has text %q", n.name, n.text)
	}
	if err := typ.attributes(n); err != nil {
		return err
	}
	rest := n.children
	if typ.Choice != nil {
		var err error
		if rest, err = s.choice(typ.Choice, n); err != nil {
			return err
		}
	}
	return s.sequence(typ.Sequence, n.name, rest)
}

// choice takes the first child if it is one of those to choose from, and returns the
// others.
func (s *xsdSchema) choice(c *xsdChoice, n *xmlNode) ([]*xmlNode, error) {
	for i := range c.Elements {
		if len(n.children) > 0 && c.Elements[i].Name == n.children[0].name {
			return n.children[1:], s.element(&c.Elements[i], n.children[0])
		}
	}
	if c.Min == "0" {
		return n.children, nil
	}
	return nil, fmt.Errorf("<%s> has none of the elements to choose from", n.name)
}

func (s *xsdSchema) sequence(elements []xsdElement, in string, rest []*xmlNode) error {
	for i := range elements {
		e, k := &elements[i], 0
		for len(rest) > 0 && rest[0].name == e.Name && (k == 0 || e.Max == "unbounded") {
			if err := s.element(e, rest[0]); err != nil {
				return err
			}
			rest, k = rest[1:], k+1
		}
		if k == 0 && e.Min != "0" {
			return fmt.Errorf("<%s> has no <%s> where it must", in, e.Name)
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("<%s> may not hold <%s> there", in, rest[0].name)
	}
	return nil
}

func (typ *xsdType) attributes(n *xmlNode) error {
	seen := map[string]bool{}
	for _, a := range n.attrs {
		seen[a.Name.Local] = true
		known := false
		for _, want := range typ.Attrs {
			if want.Name == a.Name.Local {
				known = true
				if err := simple(want.Type, a.Value); err != nil {
					return fmt.Errorf("<%s %s>: %w", n.name, a.Name.Local, err)
				}
			}
		}
		if !known {
			return fmt.Errorf("<%s> may not have %s", n.name, a.Name.Local)
		}
	}
	for _, want := range typ.Attrs {
		if want.Use == "required" && !seen[want.Name] {
			return fmt.Errorf("<%s> must have %s", n.name, want.Name)
		}
	}
	return nil
}

// simpleTypes are the types of XML Schema that are used. A token is stricter here:
// never empty, which Ant's schema wants.
var simpleTypes = map[string]*regexp.Regexp{
	"xs:string":   regexp.MustCompile(`(?s)^.*$`),
	"xs:token":    regexp.MustCompile(`^\S+( \S+)*$`),
	"xs:int":      regexp.MustCompile(`^-?\d{1,9}$`),
	"xs:decimal":  regexp.MustCompile(`^-?\d+(\.\d+)?$`),
	"xs:dateTime": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`),
}

func simple(typ, value string) error {
	re := simpleTypes[typ]
	if re == nil {
		return fmt.Errorf("the validator knows no %s", typ)
	}
	if !re.MatchString(value) {
		return fmt.Errorf("%q is no %s", value, typ)
	}
	return nil
}
