// Package whatif takes the workload out of a trace, what each goroutine did and who
// waited for whom, and simulates it under other schedulers and settings: how long it
// would have taken, how sure that is, and which setting would help.
//
// Simulate is the way in. model/simulate runs the workload forward; what is known of how
// long things take is measured in the trace, or comes from a Calibration.
package whatif
