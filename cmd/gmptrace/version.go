package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version that make dist stamps; "" where something else built this.
var release string

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of gmptrace",
		Long: `Version prints the version of gmptrace, the Go that built it and the platform that it is
for, then the revision that it was built from, where the go command knew it: of a tag,
of a checkout, or of a module that was installed. It is devel where nothing tells.`,
		Example: `  gmptrace version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.ran = true
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprint(a.stdout, versionText(info))
			return err
		},
	}
}

// versionText is what there is to say of a build; info is nil where nothing is known.
func versionText(info *debug.BuildInfo) string {
	text := fmt.Sprintf("gmptrace %s %s %s/%s\n", versionOf(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	revision := setting(info, "vcs.revision")
	if revision == "" {
		return text
	}
	text += "revision " + revision
	if at := setting(info, "vcs.time"); at != "" {
		text += " of " + at
	}
	if setting(info, "vcs.modified") == "true" {
		text += ", with changes that are not committed"
	}
	return text + "\n"
}

// buildVersion is the version that reports name.
func buildVersion() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionOf is the version that was stamped or, without, of the module or of the checkout it
// was built from, as the go command knows it; "devel" where it doesn't, as in go run.
func versionOf(info *debug.BuildInfo) string {
	switch {
	case release != "":
		return release
	case info == nil || info.Main.Version == "" || info.Main.Version == "(devel)":
		return "devel"
	}
	return info.Main.Version
}

// setting is one of those that the go command notes of a build, "" for none.
func setting(info *debug.BuildInfo, key string) string {
	if info == nil {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
