package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	built := " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	checkout := func(version, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: []debug.BuildSetting{
			{Key: "vcs", Value: "git"},
			{Key: "vcs.revision", Value: "cb395320e8e4"},
			{Key: "vcs.time", Value: "2026-11-29T16:10:57Z"},
			{Key: "vcs.modified", Value: modified},
		}}
	}
	for _, test := range []struct {
		name, release string
		info          *debug.BuildInfo
		want          string
	}{
		{"nothing known", "", nil, "gmptrace devel" + built},
		{"go run", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "gmptrace devel" + built},
		{"go install module@version", "", &debug.BuildInfo{Main: debug.Module{Version: "v0.3.1"}}, "gmptrace v0.3.1" + built},
		{"a tag", "", checkout("v0.3.1", "false"), "gmptrace v0.3.1" + built + "revision cb395320e8e4 of 2026-11-29T16:10:57Z\n"},
		{"a changed checkout", "", checkout("v0.3.2-0.20261129161057-cb395320e8e4+dirty", "true"),
			"gmptrace v0.3.2-0.20261129161057-cb395320e8e4+dirty" + built + "revision cb395320e8e4 of 2026-11-29T16:10:57Z, with changes that are not committed\n"},
		{"make dist", "v0.3.1", checkout("(devel)", "false"), "gmptrace v0.3.1" + built + "revision cb395320e8e4 of 2026-11-29T16:10:57Z\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			release = test.release
			t.Cleanup(func() { release = "" })
			if got := versionText(test.info); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}
