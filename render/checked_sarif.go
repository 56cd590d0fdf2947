package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// SARIFOptions say how files are named. A trace has those of the program as the
// compiler was given them: whole paths of the machine that built it, or with
// -trimpath the module's path and the file's in it. All paths have slashes.
type SARIFOptions struct {
	Root      string // top of the repository: files in it are named relative to it
	Dir       string // folder in Root that relative names of policies start from; "" for Root
	Module    string // path of the module that is in the repository; "" for none
	ModuleDir string // folder in Root that the module is in; "" for Root
}

// CheckedSARIF writes c as SARIF 2.1.0: a result for each failure. What was skipped
// or could not be evaluated is a notification.
func CheckedSARIF(w io.Writer, c *report.Checked, opt SARIFOptions) error {
	safe := mapped(*c, func(s string) string { return words.Printable(words.Text(s)) })
	s := &sarifWriter{opt: opt, index: map[string]int{}}
	run := s.run(&safe)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}); err != nil {
		return fmt.Errorf("writing the results as SARIF: %w", err)
	}
	return nil
}

// The parts of SARIF that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool            `json:"tool"`
		Bases       map[string]sarifBase `json:"originalUriBaseIds"`
		Invocations []sarifInvocation    `json:"invocations"`
		ColumnKind  string               `json:"columnKind"`
		Results     []sarifResult        `json:"results"`
	}
	sarifBase struct {
		About sarifText `json:"description"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string         `json:"id"`
		Short   sarifText      `json:"shortDescription"`
		Full    sarifText      `json:"fullDescription"`
		Help    sarifText      `json:"help"`
		Default sarifDefault   `json:"defaultConfiguration"`
		More    map[string]any `json:"properties"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level   string         `json:"level"`
		Message sarifText      `json:"message"`
		Rule    *sarifRef      `json:"associatedRule,omitempty"`
		More    map[string]any `json:"properties"`
	}
	sarifRef struct {
		ID    string `json:"id"`
		Index int    `json:"index"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Stacks       []sarifStack      `json:"stacks,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		More         map[string]any    `json:"properties"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		Line   int64 `json:"startLine"`
		Column int   `json:"startColumn,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifStack struct {
		Frames []sarifFrame `json:"frames"`
	}
	sarifFrame struct {
		Location sarifLocation `json:"location"`
	}
)

// sarifWriter collects the rules while results refer to them.
type sarifWriter struct {
	opt   SARIFOptions
	rules []sarifRule
	index map[string]int // by id
}

// sarifRoot is what relative files are relative to: the top of the repository, for
// whoever reads them.
const sarifRoot = "%SRCROOT%"

func (s *sarifWriter) run(c *report.Checked) sarifRun {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
		Bases: map[string]sarifBase{sarifRoot: {sarifText{"The top of the repository, or where there is none the folder, that gmptrace was called in."}}}}
	call := sarifInvocation{Successful: true, Notifications: []sarifNotification{}}
	for i := range c.Traces {
		x := &c.Traces[i]
		about := map[string]any{"trace": x.Name}
		note := func(level, text string, rule *sarifRef) {
			call.Notifications = append(call.Notifications, sarifNotification{level, sarifMessage(text), rule, about})
			call.Successful = call.Successful && level != "error"
		}
		if x.Error != "" {
			note("error", x.Error, nil)
		}
		for _, l := range x.Lost {
			note("warning", l, nil)
		}
		for j := range x.Results {
			r := &x.Results[j]
			ref := &sarifRef{s.ruleID(r), s.rule(r)}
			switch r.Status {
			case report.CheckError:
				note("error", r.ID+" "+r.Message, ref)
			case report.CheckSkip:
				note("note", r.ID+" was skipped: "+r.Message, ref)
			case report.CheckFail:
				for k := range r.Failures {
					run.Results = append(run.Results, s.result(x, r, &r.Failures[k], ref))
				}
			}
		}
	}
	run.Tool.Driver = sarifDriver{Name: "gmptrace", Version: c.Version, Rules: s.rules}
	if s.rules == nil {
		run.Tool.Driver.Rules = []sarifRule{}
	}
	run.Invocations = []sarifInvocation{call}
	return run
}

// ruleID is stable, and tells the kinds apart.
func (s *sarifWriter) ruleID(r *report.CheckResult) string {
	return r.Kind + "/" + strings.TrimPrefix(r.ID, r.Kind+"/")
}

// rule is the index of a result's rule, which is added if it is new.
func (s *sarifWriter) rule(r *report.CheckResult) int {
	id := s.ruleID(r)
	if i, ok := s.index[id]; ok {
		return i
	}
	about := r.Description
	if about == "" {
		about = r.ID
	}
	s.index[id] = len(s.rules)
	s.rules = append(s.rules, sarifRule{ID: id, Short: sarifMessage(about), Full: sarifMessage(about), Help: sarifMessage("Expected: " + r.Expected),
		Default: sarifDefault{sarifLevel(r)}, More: map[string]any{"kind": r.Kind, "file": r.File, "line": r.Line}})
	return s.index[id]
}

func sarifLevel(r *report.CheckResult) string {
	if r.Severity == report.CheckSeverityWarning {
		return "warning"
	}
	return "error"
}

func (s *sarifWriter) result(x *report.CheckedTrace, r *report.CheckResult, f *report.CheckFailure, ref *sarifRef) sarifResult {
	at := names.OwnFrame(f.At)
	out := sarifResult{RuleID: ref.ID, RuleIndex: ref.Index, Level: sarifLevel(r), Message: sarifMessage(failureText(f)),
		More: map[string]any{"trace": x.Name, "item": f.Item, "details": f.Details, "next": r.Next}}
	if own := s.own(f.At); own != nil {
		at = *own
		out.Locations = []sarifLocation{s.location(at)}
	} else { // whoever shows results wants a place for each: the rule's own
		out.Locations = []sarifLocation{{Physical: s.written(x, r)}}
	}
	out.Fingerprints = map[string]string{"gmptraceCheck/v1": fingerprint(r.Kind, r.ID, f.Key, at.Func)}
	if len(f.At) > 1 {
		stack := sarifStack{}
		for _, frame := range f.At {
			stack.Frames = append(stack.Frames, sarifFrame{s.location(frame)})
		}
		out.Stacks = []sarifStack{stack}
	}
	return out
}

// own is the innermost frame in the repository's sources, nil where there is none.
func (s *sarifWriter) own(frames []report.Frame) *report.Frame {
	for i := range frames {
		f := &frames[i]
		if _, ok := s.relative(slashed(f.File)); ok && f.Line > 0 && !strings.HasPrefix(f.Func, "runtime.") {
			return f
		}
	}
	return nil
}

// location is a frame's. A file that is not in the repository is named in words: where
// it lies on the machine that built the program says nothing to anybody.
func (s *sarifWriter) location(f report.Frame) sarifLocation {
	l := sarifLocation{Logical: []sarifLogical{{f.Func, "function"}}}
	file := slashed(f.File)
	switch rel, known := s.relative(file); {
	case known && f.Line > 0:
		l.Physical = &sarifPhysical{Artifact: inRoot(rel), Region: &sarifRegion{Line: int64(min(f.Line, 1<<31))}}
	case file != "":
		text := sarifMessage(fmt.Sprintf("%s:%d", path.Base(file), f.Line))
		l.Message = &text
	}
	return l
}

func slashed(file string) string { return strings.ReplaceAll(file, `\`, "/") }

// relative is the path in the repository of a file of the program, if it is there.
func (s *sarifWriter) relative(file string) (string, bool) {
	rel := ""
	if rest, ok := strings.CutPrefix(file, strings.TrimSuffix(s.opt.Root, "/")+"/"); ok && s.opt.Root != "" {
		rel = path.Clean(rest)
	} else if rest, ok := strings.CutPrefix(file, s.opt.Module+"/"); ok && s.opt.Module != "" {
		rel = path.Join(s.opt.ModuleDir, rest)
	}
	return rel, rel != "" && rel != "." && !strings.HasPrefix(rel, "..")
}

var drive = regexp.MustCompile(`^[A-Za-z]:/`)

// inRoot is a file as a URI, relative to the repository. A path with a colon in its
// first element would be taken for a scheme: String puts ./ ahead of it.
func inRoot(file string) sarifArtifact {
	return sarifArtifact{URI: (&url.URL{Path: file}).String(), Base: sarifRoot}
}

// written is where what a trace was held to is written down, a file named from Dir;
// where that is nowhere, the trace. It is relative to the repository even if it lies
// beside it: an absolute name would be that of one machine.
func (s *sarifWriter) written(x *report.CheckedTrace, r *report.CheckResult) *sarifPhysical {
	file := slashed(cmp.Or(r.File, x.Name, "-"))
	if strings.HasPrefix(file, "/") || drive.MatchString(file) {
		file = relativeTo(s.opt.Root, file)
	} else {
		file = path.Join(s.opt.Dir, file)
	}
	return &sarifPhysical{Artifact: inRoot(file), Region: &sarifRegion{max(1, int64(r.Line)), r.Column}}
}

// relativeTo is the way from a folder to a file, both absolute; the file's name alone
// where there is none.
func relativeTo(root, file string) string {
	from, to := strings.Split(strings.TrimSuffix(path.Clean(root), "/"), "/"), strings.Split(path.Clean(file), "/")
	if root == "" || from[0] != to[0] { // on another drive
		return path.Base(file)
	}
	n := 0
	for n < len(from) && n < len(to)-1 && from[n] == to[n] {
		n++
	}
	up := slices.Repeat([]string{".."}, len(from)-n)
	return path.Join(append(up, to[n:]...)...)
}

// fingerprint names a failure alike in every run: it must not depend on anything
// that was measured.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// sarifPlaceholder is what SARIF would replace by an argument.
var sarifPlaceholder = regexp.MustCompile(`\{(\d)`)

// sarifMessage is a plain text: what SARIF takes for a link or a placeholder is
// broken up by a space.
func sarifMessage(s string) sarifText {
	s = strings.ReplaceAll(words.Text(s), "](", "] (")
	return sarifText{sarifPlaceholder.ReplaceAllString(s, "{ $1")}
}
