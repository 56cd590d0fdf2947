// Package rules tells which rules of the scheduler a trace bears out: what Go really
// does where short accounts say otherwise, how often there was an occasion for it, and
// how often the trace agrees. It judges an occasion only by evidence that does not come
// from assuming the rule, which model collects in Facts. Constants are the model's.
//
// Add makes a session fill Report.Rules.
package rules
