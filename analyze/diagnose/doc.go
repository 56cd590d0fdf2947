// Package diagnose has the checks, one file each, ranks what they find and gives the
// verdict.
package diagnose
