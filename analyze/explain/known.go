package explain

import (
	"strings"

	"gmptrace/analyze/report"
)

// knownPlace is a place of a well-known package where goroutines wait to be let in.
type knownPlace struct {
	fn     string // the function, or what its name begins with
	what   string // waiting …
	advice string
}

// knownPlaces are looked for from the innermost frame of a stack on.
var knownPlaces = []knownPlace{
	{"net/http.(*Transport).getConn", "for a connection in http.(*Transport).getConn", "Raise MaxConnsPerHost of the http.Transport, or limit how much is sent at once."},
	{"database/sql.(*DB).conn", "for a connection of the pool in sql.(*DB).conn", "Raise SetMaxOpenConns, or give connections back sooner: close rows, do nothing else in between."},
	{"golang.org/x/sync/semaphore.(*Weighted).Acquire", "for a semaphore in semaphore.(*Weighted).Acquire", "Let more in at once, or hold the semaphore for less."},
	{"golang.org/x/sync/errgroup.(*Group).Go", "for room in an errgroup with a limit", "Raise the group's SetLimit, or make what it runs shorter."},
	{"github.com/jackc/puddle", "for a place in the connection pool", "Raise the pool's size, or give connections back sooner."},
}

// knownOf is the known place on a stack, nil for none.
func knownOf(frames []report.Frame) *knownPlace {
	for i := range frames {
		for k := range knownPlaces {
			if strings.HasPrefix(frames[i].Func, knownPlaces[k].fn) {
				return &knownPlaces[k]
			}
		}
	}
	return nil
}
