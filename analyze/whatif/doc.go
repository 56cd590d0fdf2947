// Package whatif simulates the workload in a trace under other settings.
package whatif
