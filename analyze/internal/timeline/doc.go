// Package timeline keeps slices of the picture in full detail.
package timeline
