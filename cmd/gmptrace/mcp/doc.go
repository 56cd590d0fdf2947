// Package mcp lets assistants ask gmptrace by the Model Context Protocol: what a tool is
// asked becomes a command line, and its answer is what the command prints.
//
//	client ──▶ tools.go: arguments, as JSON ──▶ question: a command line
//	       ──▶ folder.go: the traces that it names, below one folder
//	       ──▶ server.go: one of a few at a time ──▶ Command, which runs it
//	       ──▶ page.go: a part of the text, and a cursor for the next
//
// It only reads, and only files below the folder. What commands there are it is told by
// whoever runs it.
package mcp
