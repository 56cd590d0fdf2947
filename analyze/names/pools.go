package names

import (
	"strings"

	"gmptrace/analyze/report"
)

// WaitPackages are what waits go through that are somebody else's. What waits is named
// by the function that they were called by.
var WaitPackages = []string{"runtime.", "sync.", "internal/sync.", "internal/race.", "golang.org/x/sync/"}

// Pool is a place that is known to let in so many at once.
type Pool struct {
	Func     string // a part of the function's full name
	What     string // that is waited for
	Advice   string
	Harmless bool // the limit is there on purpose, and nobody waits for the result
}

// pools are those that programs meet most.
var pools = []Pool{
	{Func: "net/http.(*Transport).getConn", What: "a connection",
		Advice: "Raise http.Transport.MaxConnsPerHost, if the other side can take it, or limit the load; that the other side answers slowly does not show here."},
	{Func: "net/http.(*Transport).queueForDial", What: "a connection",
		Advice: "Raise http.Transport.MaxConnsPerHost, if the other side can take it, or limit the load; that the other side answers slowly does not show here."},
	{Func: "database/sql.(*DB).conn", What: "a connection",
		Advice: "Raise sql.DB.SetMaxOpenConns, if the database can take it; hold connections for less: close rows, end transactions soon; or limit the load."},
	{Func: "golang.org/x/sync/semaphore.(*Weighted).Acquire", What: "a semaphore",
		Advice: "Raise the semaphore's weight, if what it guards can take it; hold it for less; or limit the load."},
	{Func: "golang.org/x/sync/errgroup.(*Group).Go", What: "a place in an errgroup",
		Advice: "Raise the limit given to errgroup.Group.SetLimit, if what its goroutines use can take it."},
	{Func: "internal/pool.(*ConnPool).waitTurn", What: "a connection",
		Advice: "Raise PoolSize of the client, if the server can take it, or hold connections for less."},
	{Func: "testing.(*testState).waitParallel", What: "their turn among parallel tests", Advice: "Raise -parallel of go test.", Harmless: true},
	{Func: "testing.(*testContext).waitParallel", What: "their turn among parallel tests", Advice: "Raise -parallel of go test.", Harmless: true},
}

// PoolOf is the known pool in which a stack waits, nil if it is in none.
func PoolOf(frames []report.Frame) *Pool {
	for i := range frames {
		for k := range pools {
			if strings.Contains(frames[i].Func, pools[k].Func) {
				return &pools[k]
			}
		}
		if !HasPrefix(frames[i].Func, WaitPackages) {
			return nil
		}
	}
	return nil
}
