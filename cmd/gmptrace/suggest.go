package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mostTypos is how many letters may be wrong in what is still recognised.
const mostTypos = 2

// noCommand says what is wrong with arguments of a command that only has others below
// it: missing, if there are none.
func noCommand(cmd *cobra.Command, args []string, missing string) error {
	if len(args) == 0 {
		return usagef("%s", missing)
	}
	name := args[0]
	if _, err := os.Stat(name); !cmd.HasParent() && (err == nil || strings.ContainsAny(name, `./\`)) {
		if err == nil {
			return inputError(name, "read", "is a folder", "Name a trace in it.", nil)
		}
		return openError(name, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist})
	}
	cmd.SuggestionsMinimumDistance = mostTypos
	hint := didYouMean(cmd.SuggestionsFor(name))
	if hint == "" && cmd.HasParent() {
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		hint = ": it has " + strings.Join(names, ", ")
	}
	return usagef("unknown command %q for %q%s", name, cmd.CommandPath(), hint)
}

// didYouMean is a question behind what was not understood, "" if nothing is like it.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(names, " or ") + "?"
}

// flagError adds to an unknown flag the one that was likely meant.
func flagError(cmd *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return err
	}
	// Names of flags are compared as cobra compares those of commands.
	names := &cobra.Command{SuggestionsMinimumDistance: mostTypos}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	var flags []string
	for _, like := range names.SuggestionsFor(name) {
		flags = append(flags, "--"+like)
	}
	return fmt.Errorf("%w%s", err, didYouMean(flags))
}
