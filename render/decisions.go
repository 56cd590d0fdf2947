package render

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gmptrace/analyze"
)

// DecisionWriter writes decisions one by one, a line each.
type DecisionWriter interface {
	Write(*analyze.Decision) error
	Flush() error // to be called at the end
}

// DecisionLines writes each decision as one JSON object a line, with the fields
// of its kind:
//
//	{"kind":"dispatch","time_ns","g","p","m","source","victim_p","certain","tick","candidates","at_ns","func"}
//	{"kind":"steal","time_ns","g","p","m","source","victim_p","certain","moved","at_ns","func"}
//	{"kind":"handoff","time_ns","p","from_m","to_m","cause","after_ns","at_ns","func"}
//	{"kind":"preempt","time_ns","g","p","how","ran_ns","at_ns","func"}
//	{"kind":"divergence","time_ns","g","p","what","at_ns","func"}
func DecisionLines(w io.Writer) DecisionWriter { return &lineWriter{json.NewEncoder(w)} }

type lineWriter struct{ enc *json.Encoder }

func (l *lineWriter) Flush() error { return nil }

// decisionPlace is what reports call the moment of a decision, and the goroutine.
type decisionPlace struct {
	At   int64  `json:"at_ns"`
	Func string `json:"func"`
}

func (l *lineWriter) Write(d *analyze.Decision) error {
	place := decisionPlace{d.At, d.Func}
	switch d.Kind {
	case analyze.DecisionDispatch:
		return l.enc.Encode(struct {
			Kind       string   `json:"kind"`
			Time       int64    `json:"time_ns"`
			G          int64    `json:"g"`
			P          int32    `json:"p"`
			M          int64    `json:"m"`
			Source     string   `json:"source"`
			Victim     int32    `json:"victim_p"`
			Certain    bool     `json:"certain"`
			Tick       string   `json:"tick"`
			Candidates []string `json:"candidates"`
			decisionPlace
		}{string(d.Kind), d.Time, int64(d.G), int32(d.P), d.M, d.Source, int32(d.Victim), d.Certain, d.Tick, d.Candidates, place})
	case analyze.DecisionSteal:
		return l.enc.Encode(struct {
			Kind    string `json:"kind"`
			Time    int64  `json:"time_ns"`
			G       int64  `json:"g"`
			P       int32  `json:"p"`
			M       int64  `json:"m"`
			Source  string `json:"source"`
			Victim  int32  `json:"victim_p"`
			Certain bool   `json:"certain"`
			Moved   int    `json:"moved"`
			decisionPlace
		}{string(d.Kind), d.Time, int64(d.G), int32(d.P), d.M, d.Source, int32(d.Victim), d.Certain, d.Moved, place})
	case analyze.DecisionHandoff:
		return l.enc.Encode(struct {
			Kind  string `json:"kind"`
			Time  int64  `json:"time_ns"`
			P     int32  `json:"p"`
			FromM int64  `json:"from_m"`
			ToM   int64  `json:"to_m"`
			Cause string `json:"cause"`
			After int64  `json:"after_ns"`
			decisionPlace
		}{string(d.Kind), d.Time, int32(d.P), d.FromM, d.ToM, d.Cause, d.After, place})
	case analyze.DecisionPreempt:
		return l.enc.Encode(struct {
			Kind string `json:"kind"`
			Time int64  `json:"time_ns"`
			G    int64  `json:"g"`
			P    int32  `json:"p"`
			How  string `json:"how"`
			Ran  int64  `json:"ran_ns"`
			decisionPlace
		}{string(d.Kind), d.Time, int64(d.G), int32(d.P), d.How, d.Ran, place})
	case analyze.DecisionDivergence:
		return l.enc.Encode(struct {
			Kind string `json:"kind"`
			Time int64  `json:"time_ns"`
			G    int64  `json:"g"`
			P    int32  `json:"p"`
			What string `json:"what"`
			decisionPlace
		}{string(d.Kind), d.Time, int64(d.G), int32(d.P), d.What, place})
	}
	return fmt.Errorf("no decision is of kind %q", d.Kind)
}

// decisionColumns are the columns of DecisionTable: those of all kinds.
var decisionColumns = []string{"kind", "time_ns", "g", "p", "m", "source", "victim_p", "certain", "candidates", "moved",
	"from_m", "to_m", "cause", "after_ns", "how", "ran_ns", "what", "tick", "at_ns", "func"}

// DecisionTable writes decisions as CSV with a header. Every line has all
// columns; those that a kind does not have are empty. Candidates are separated
// by |.
func DecisionTable(w io.Writer) DecisionWriter {
	t := &tableWriter{out: csv.NewWriter(w)}
	t.err = t.out.Write(decisionColumns)
	return t
}

type tableWriter struct {
	out *csv.Writer
	err error
	row [20]string
}

func (t *tableWriter) Flush() error {
	t.out.Flush()
	return t.out.Error()
}

func (t *tableWriter) Write(d *analyze.Decision) error {
	if t.err != nil {
		return t.err
	}
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	row := &t.row
	*row = [20]string{0: string(d.Kind), 1: num(d.Time), 2: num(int64(d.G)), 3: num(int64(d.P)), 18: num(d.At), 19: d.Func}
	switch d.Kind {
	case analyze.DecisionDispatch, analyze.DecisionSteal:
		row[4], row[5], row[6], row[7] = num(d.M), d.Source, num(int64(d.Victim)), strconv.FormatBool(d.Certain)
		if d.Kind == analyze.DecisionSteal {
			row[9] = num(int64(d.Moved))
		} else {
			row[8], row[17] = strings.Join(d.Candidates, "|"), d.Tick
		}
	case analyze.DecisionHandoff:
		row[2] = "" // as in the lines: a handoff is about a P
		row[10], row[11], row[12], row[13] = num(d.FromM), num(d.ToM), d.Cause, num(d.After)
	case analyze.DecisionPreempt:
		row[14], row[15] = d.How, num(d.Ran)
	case analyze.DecisionDivergence:
		row[16] = d.What
	}
	return t.out.Write(row[:])
}
