package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of gmptrace",
		Example: `  gmptrace version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.ran = true
			_, err := fmt.Fprintf(a.stdout, "gmptrace %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// buildVersion is the version of the module or of the checkout it was built
// from, as the go command knows it; "devel" where it doesn't, as in go run.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
