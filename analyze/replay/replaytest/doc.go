// Package replaytest gives tests traces: events written as text, and recordings.
package replaytest
