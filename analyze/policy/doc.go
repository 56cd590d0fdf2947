// Package policy holds traces to rules that their owners wrote down: a YAML file
// of named CEL expressions over a report.Report.
//
//	YAML ──▶ yaml.go: keys and values, each with its place in the file
//	     ──▶ compile.go: expressions checked against the environment
//	     ──▶ Policy.Check(Report) ──▶ []report.CheckResult ──▶ render
//
// The environment is a table (vars.go): what an expression can name, with type,
// unit, meaning and where it comes from. What expressions are checked against, what
// they get, and what `gmptrace policy list` prints are all made from it.
package policy
