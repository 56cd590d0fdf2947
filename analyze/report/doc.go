// Package report is what analyses found out, as data: the Report of a trace, its
// timeline, explanations and results of policies. It does no work and imports no
// analysis.
package report
