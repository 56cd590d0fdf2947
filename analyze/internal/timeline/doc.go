// Package timeline keeps slices of the picture in full detail, Report.Timeline: as many
// as are asked for, of the windows that matter most.
package timeline
