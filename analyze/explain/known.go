package explain

import (
	"slices"

	"gmptrace/analyze/internal/handlers"
	"gmptrace/analyze/names"
)

// KnownPackages are the import paths of servers and routers that requests are told by,
// outside of the standard library. Each stands for all packages below it as well.
func KnownPackages() []string {
	return names.Packages(slices.Concat(handlers.Servers, handlers.Routers))
}

// Methods are names of methods that requests are told by, in whatever package: those of
// interfaces that servers, routers and others call.
func Methods() []string {
	return slices.Concat(handlers.Callbacks, []string{"ServeHTTP", "runHandler", "Accept"})
}
