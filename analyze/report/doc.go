// Package report is what analyses found out, as data: the Report of a trace with its
// Timeline, the Explanation of where the time of some instances went, and Checked, what
// became of holding traces to rules. It imports no analysis, so that render, and whoever
// else reads reports, needs none.
//
// What is told as JSON has a schema in analyze/schema. Who fills which part stands in
// analyze/internal/measure, analyze/rules, analyze/explain and analyze/diagnose.
package report
