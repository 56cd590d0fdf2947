package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"gmptrace/cmd/gmptrace/mcp"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

type mcpCommand struct {
	*app
	root      string
	maxMemory byteSize
	quiet     bool
}

func (a *app) mcpCommand() *cobra.Command {
	c := &mcpCommand{app: a, maxMemory: newAnalysis(a).maxMemory}
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Answer an assistant's questions about traces",
		Long: `Mcp speaks the Model Context Protocol on standard input and output: an assistant's
client starts it, and the assistant asks about traces by its tools: verdict, explain,
findings, window, decisions, whatif, compare, fleet. Answers are what the commands print, in pages of
at most 24 kB.

It only reads, and only files below --root, wherever symbolic links lead; it opens no
connection. Two traces are analysed at once, each within --max-memory.

Clients that have a file for it take:

  {"mcpServers": {"gmptrace": {"command": "gmptrace", "args": ["mcp", "--root", "/srv/traces"]}}}

or a command such as 'claude mcp add gmptrace -- gmptrace mcp --root /srv/traces'.`,
		Example: `  gmptrace mcp
  gmptrace mcp --root .
  gmptrace mcp --max-memory 1GiB`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.ran = true
			return c.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&c.root, "root", ".", "read traces below `DIR` only")
	cmd.Flags().Var(&c.maxMemory, "max-memory", "`BYTES` that reading a trace may take, such as 4GiB; a trace that needs more is analysed up to there")
	cmd.Flags().BoolVarP(&c.quiet, "quiet", "q", false, "no remarks on standard error")
	must(cmd.MarkFlagDirname("root"))
	return cmd
}

func (c *mcpCommand) run(ctx context.Context) error {
	server, err := mcp.New(c.root, buildVersion(), c.command)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // it repeats the path, unescaped
		}
		return inputError(c.root, "read", "cannot be opened: "+err.Error(), "Give the folder that the traces are below with --root.", err)
	}
	if f, ok := c.stdin.(*os.File); ok && !c.quiet && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintln(c.stderr, "gmptrace: an assistant's client is to start this and to speak to it: see gmptrace mcp --help; Ctrl-C ends it")
	}
	return server.Serve(ctx, c.stdin, c.stdout)
}

// command runs a command line for an assistant, in this process.
func (c *mcpCommand) command(ctx context.Context, h mcp.Host, args []string) (remarks string, err error) {
	var stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: h.Out, stderr: &stderr, host: &h}
	root := a.root()
	root.SetArgs(slices.Insert(slices.Clone(args), 1, "--max-memory="+strconv.FormatInt(int64(c.maxMemory), 10)))
	if err := root.ExecuteContext(ctx); err != nil {
		return "", errors.New(printable(err.Error()))
	}
	return stderr.String(), nil
}
