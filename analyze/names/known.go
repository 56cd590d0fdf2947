package names

import (
	"slices"
	"strings"
)

// goModules are modules of the Go project, which programs are told by as by the standard
// library. The flight recorder's goroutines are no part of the program.
var goModules = []string{"golang.org/x", "gmptrace/analyze/flight", "gmptrace/analyze/machine", "github.com/redis/go-redis", "github.com/go-redis/redis"}

// KnownPackages are the import paths of what this package knows functions of outside of
// the standard library, as Packages has them.
func KnownPackages() []string {
	all := slices.Concat(goModules, Packages(wrappers), Packages(serving), Packages(wrapping), Packages(Plumbing), Packages(WaitPackages), Packages([]string{recorder}))
	for i := range knownPools {
		all = append(all, Packages([]string{knownPools[i].Func})...)
	}
	for _, w := range knownWaits {
		all = append(all, Packages(w.funcs)...)
	}
	for i := range knownDelays {
		all = append(all, Packages([]string{knownDelays[i].Func})...)
	}
	return all
}

// Packages are the import paths that beginnings of functions' names have, without those of
// the standard library: a path stands for all packages below it as well.
func Packages(prefixes []string) []string {
	var paths []string
	for _, p := range prefixes {
		path := strings.TrimSuffix(Package(p), "/")
		if host, _, _ := strings.Cut(path, "/"); strings.Contains(host, ".") || host == "gmptrace" {
			paths = append(paths, path)
		}
	}
	return paths
}

// GoVersionIn is the Go version that the path of a file of the standard library gives
// away, such as "1.26"; "" if it gives none.
func GoVersionIn(file string) string {
	if m := goVersions.FindStringSubmatch(file); m != nil {
		return "1." + m[1]
	}
	return ""
}
