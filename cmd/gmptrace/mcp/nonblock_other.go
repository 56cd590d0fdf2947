//go:build !unix

package mcp

const nonblock = 0 // there are no pipes in folders
