// Package rules tells which rules of the scheduler a trace bears out.
package rules
