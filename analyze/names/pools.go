package names

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gmptrace/analyze/report"
)

// WaitPackages are what waits go through that are somebody else's. What waits is named
// by the function that they were called by.
var WaitPackages = []string{"runtime.", "sync.", "internal/sync.", "internal/race.", "golang.org/x/sync/"}

// WaitsAt names the place where a stack waits: the innermost function that is not of these
// packages, and its line; "" for none.
func WaitsAt(frames []report.Frame) string {
	for i := range frames {
		if !HasPrefix(frames[i].Func, WaitPackages) {
			return frames[i].Func + ":" + strconv.FormatUint(frames[i].Line, 10)
		}
	}
	return ""
}

// Pool is a place that is known to let in so many at once.
type Pool struct {
	Func     string // a part of the function's full name
	What     string // that is waited for
	Advice   string // where waits end
	Never    string // where they never do
	Ahead    string // what to do about who asks for much of it at once, "" where all ask for one
	Another  string // what to do about who has one and asks for another
	Hold     string // what to do before one waits for something else than what it is for, "" where that shows of none
	For      string // a part of the names of functions that use what it gives, "" for none
	Harmless bool   // the limit is there on purpose, and nobody waits for the result
	Made     *Pool  // the same where what it gives was being made meanwhile, nil where that does not show
}

// BeingMade says that what is waited for was not there yet.
const BeingMade = "still being made (dial, TLS handshake)"

// made is of connections that goroutines of net/http make for those who wait for one: no
// limit kept them waiting.
var made = &Pool{Func: "net/http.(*Transport).getConn", What: "a connection that was " + BeingMade,
	Advice: "Keep connections: raise http.Transport.MaxIdleConnsPerHost (2 by default) to the calls that go to one host at once, and MaxIdleConns; read bodies to their end and close them; or use HTTP/2, which needs one.",
	Never:  "Give dials and handshakes a timeout (net.Dialer.Timeout, http.Transport.TLSHandshakeTimeout) and requests a context that ends; and try another host where one takes no connections."}

// madeByAsker are connections that a pool makes in the goroutine of who asks for one: below
// these functions, no limit keeps it waiting.
var madeByAsker = []*Pool{
	{Func: "database/sql.(*DB).conn", What: "a connection that was still being made (dial, login)",
		Advice: "Keep connections: raise sql.DB.SetMaxIdleConns (2 by default, others are closed after use) to as many as are in use at once, and SetConnMaxIdleTime and SetConnMaxLifetime if those end them early.",
		Never:  "Give dials and logins a timeout, and query with a context that ends."},
	{Func: "internal/pool.(*ConnPool).dialConn", What: "a connection that was still being made (dial, login)",
		Advice: "Keep connections: raise the client's MinIdleConns, MaxIdleConns and ConnMaxIdleTime, so that as many are kept as are in use at once.",
		Never:  "Give dials a timeout (DialTimeout), and calls a context that ends."},
}

// LookingUp is of connections for whose host's address was asked first.
var LookingUp = &Pool{Func: made.Func, What: "a connection whose host's name was still being looked up",
	Advice: "Keep connections, so that fewer names have to be looked up: read bodies to their end and close them, and raise http.Transport.MaxIdleConnsPerHost (2 by default). Go keeps no answers: see the name server and resolv.conf (ndots, search), or keep addresses.",
	Never:  made.Never}

// lookups are functions of package net that ask for the address of a host.
var lookups = []string{"net.(*Resolver).", "net.cgoLookup", "net._C_getaddrinfo", "net._C_getnameinfo", "net.dnsPacketRoundTrip", "net.dnsStreamRoundTrip", "net.resSearch"}

// LooksUp reports whether a stack asks for the address of a host.
func LooksUp(frames []report.Frame) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return HasPrefix(f.Func, lookups) })
}

// closeBodies is what to do where connections are never given back.
const closeBodies = "Close each response's body on every path, by defer, and give requests a timeout or a context that ends. More connections only put it off."

// ClosesUnread reports whether a stack closes the body of a response over HTTP/1 that was not
// read to its end: http.Transport closes the connection then, and the next request makes one.
func ClosesUnread(frames []report.Frame) bool {
	i := slices.IndexFunc(frames, func(f report.Frame) bool { return f.Func == "net/http.(*bodyEOFSignal).Close" })
	return i > 0 && strings.HasPrefix(frames[i-1].Func, "net/http.(*persistConn).readLoop.func")
}

// making are functions of goroutines that make connections for http.Transport.
var making = []string{"net/http.(*Transport).dialConn", "net/http.(*Transport).dial", "net/http.(*persistConn).addTLS"}

// holdRows is how a connection to a database is given back.
const holdRows = "read what it needs, close the rows and end the transaction, which gives the connection back, then do that. More connections only put it off."

// Same reports whether two are one pool, as far as stacks tell; none is the same as none.
func (p *Pool) Same(q *Pool) bool { return p != nil && q != nil && p.Func == q.Func }

// Uses reports whether a stack uses what a pool gives for what it is for.
func (p *Pool) Uses(frames []report.Frame) bool {
	return p.For != "" && slices.ContainsFunc(frames, func(f report.Frame) bool { return strings.Contains(f.Func, p.For) })
}

// streams are those of one HTTP/2 connection, of which the server allows so many at once.
var streams = Pool{What: "a free stream of an HTTP/2 connection",
	Advice: "All streams that the server allows on one connection were open: let it allow more (MaxConcurrentStreams), or use several connections to it; give streams that stay open for long, such as watches, a connection of their own.",
	Never:  "End streams on every path: read them to their end, or cancel their context. More of them only put it off."}

func (p Pool) of(fn string) Pool {
	p.Func = fn
	return p
}

// knownPools are those that programs meet most.
var knownPools = []Pool{
	{Func: "net/http.(*Transport).getConn", What: "a connection", Made: made,
		Advice: "Raise http.Transport.MaxConnsPerHost, if the other side can take it, or limit the load; that the other side answers slowly does not show here.", Never: closeBodies},
	{Func: "net/http.(*Transport).queueForDial", What: "a connection", Made: made,
		Advice: "Raise http.Transport.MaxConnsPerHost, if the other side can take it, or limit the load; that the other side answers slowly does not show here.", Never: closeBodies},
	{Func: "database/sql.(*DB).conn", What: "a connection", Hold: holdRows, For: "database/sql.",
		Advice:  "Raise sql.DB.SetMaxOpenConns, if the database can take it; hold connections for less: close rows, end transactions soon; or limit the load.",
		Another: "Ask the transaction (sql.Tx), or the sql.Conn, that it has, or first end that and close its rows.",
		Never:   "Give connections back on every path: defer rows.Close() after each Query, defer tx.Rollback() after each Begin; and query with a context that ends. A larger pool only puts it off. sql.DB.Stats has InUse."},
	{Func: "golang.org/x/sync/semaphore.(*Weighted).Acquire", What: "a semaphore",
		Advice: "Hold the semaphore for less, or raise its weight, if what it guards can take it; where one asks for much at once, all behind it wait until so much is free: give those a semaphore of their own.",
		Ahead:  "give it a semaphore of its own, or let it ask for less at once",
		Never:  "Release it on every path, by defer; and acquire it with a context that ends."},
	{Func: "golang.org/x/sync/errgroup.(*Group).Go", What: "a place in an errgroup",
		Advice: "Raise the limit given to errgroup.Group.SetLimit, if what its goroutines use can take it.",
		Never:  "Do not call Go of a limited group from within it: all places may wait for one. And let its functions return: give them the group's context, and end what they wait for with it."},
	{Func: "internal/pool.(*ConnPool).waitTurn", What: "a connection", Hold: "do all that goes over one in a row, give it back, then do that. More connections only put it off.", For: "redis",
		Advice: "Raise PoolSize of the client, if the server can take it, or hold connections for less.",
		Never:  "Close what was taken from the client (connections, subscriptions, pipelines) on every path, by defer, and give calls a context that ends. A larger pool only puts it off."},
	{Func: "jackc/puddle/v2.(*Pool[...]).", What: "a connection of the pool", Hold: holdRows, For: "jackc/pgx",
		Advice: "Raise MaxConns of the pool (pgxpool.Config), if the database can take it; hold connections for less: close rows, end transactions soon; or limit the load.",
		Never:  "Release connections on every path, by defer (Rows.Close, Tx.Rollback, Conn.Release), and acquire them with a context that ends. A larger pool only puts it off."},
	{Func: "mongo/driver/topology.(*pool).checkOut", What: "a connection", Hold: "read what it needs, close cursors and end sessions, then do that. More connections only put it off.", For: "mongo/driver",
		Advice: "Raise maxPoolSize of the client's options, if the server can take it; hold connections for less; or limit the load.",
		Never:  "Close cursors and end sessions on every path, by defer, and give calls a context that ends. A larger pool only puts it off."},
	streams.of("google.golang.org/grpc/internal/transport.(*http2Client).NewStream"), streams.of("golang.org/x/net/http2.(*ClientConn).awaitOpenSlotForStreamLocked"),
	streams.of("net/http.(*http2ClientConn).awaitOpenSlotForStreamLocked"), streams.of("net/http/internal/http2.(*ClientConn).awaitOpenSlotForStreamLocked"),
	{Func: "testing.(*testState).waitParallel", What: "their turn among parallel tests", Advice: "Raise -parallel of go test.", Harmless: true},
	{Func: "testing.(*testContext).waitParallel", What: "their turn among parallel tests", Advice: "Raise -parallel of go test.", Harmless: true},
}

// Makes reports whether what is waited for is being made.
func (p *Pool) Makes() bool { return p.ForHTTP() || p.MadeByAsker() }

// ForHTTP reports whether it is a connection of http.Transport that is being made.
func (p *Pool) ForHTTP() bool { return p == made || p == LookingUp }

// MadeByAsker reports whether it is being made by who waits for it.
func (p *Pool) MadeByAsker() bool { return slices.Contains(madeByAsker, p) }

// has reports whether a function is the pool's: it has its name, and not that of another one
// which begins like it.
func (p *Pool) has(fn string) bool {
	_, rest, ok := strings.Cut(fn, p.Func)
	return ok && (rest == "" || strings.HasSuffix(p.Func, ".") || !unicode.IsLetter(rune(rest[0])))
}

// afterEnd are goroutines that a library starts to give back, once a context ends, what the
// one has that started them.
var afterEnd = []string{"database/sql.(*Tx).awaitDone", "database/sql.(*Rows).awaitDone"}

// GivesBack reports whether a goroutine gives back what another one has that started it, by
// the function that it started with.
func GivesBack(start string) bool { return slices.Contains(afterEnd, start) }

// GivesAnew reports whether a goroutine makes what a pool gives, in place of what somebody has
// closed who had it, by the function that it started with.
func GivesAnew(start string) bool { return start == "database/sql.(*DB).connectionOpener" }

// PoolOf is the known pool in which a stack waits, nil if it is in none.
func PoolOf(frames []report.Frame) *Pool {
	for i := range frames {
		for k := range knownPools {
			if knownPools[k].has(frames[i].Func) {
				return inside(&knownPools[k], frames[i+1:])
			}
		}
		if !HasPrefix(frames[i].Func, WaitPackages) {
			return nil
		}
	}
	return nil
}

// inside is the pool that a place in another one belongs to, which is part of how it is made:
// that has the limit that a program sets.
func inside(p *Pool, callers []report.Frame) *Pool {
	for i := range callers[:min(len(callers), 2)] {
		for k := range knownPools {
			if q := &knownPools[k]; q.Made == nil && q.has(callers[i].Func) {
				return q
			}
		}
	}
	return p
}

// Pools knows which stacks are in pools and in calls over the network, each of which it
// looks at once.
type Pools struct {
	Names  *Table
	stacks []poolSite // by stack
}

// poolSite is what a stack has to do with pools and calls.
type poolSite struct {
	known, makes, asks bool
	pool               *Pool
	making             *Pool // what the stack's own goroutine makes for itself
}

// Of is the known pool in which a stack waits, nil for none.
func (p *Pools) Of(stack uint32) *Pool { return p.of(stack).pool }

// Keeps reports whether a stack waits in a pool for what others have to give back: nobody
// makes it anew, and nobody stands there for good.
func (p *Pools) Keeps(stack uint32) bool {
	pool := p.Of(stack)
	return pool != nil && pool.Made == nil && !pool.Harmless
}

// Makes reports whether a stack is of a goroutine that makes what a pool gives.
func (p *Pools) Makes(stack uint32) bool { return p.of(stack).makes }

// Making is the pool for which a stack makes what it asked that for, nil for none.
func (p *Pools) Making(stack uint32) *Pool { return p.of(stack).making }

// makingOf is the pool for which these frames make what they asked that for, nil for none.
func makingOf(frames []report.Frame) *Pool {
	for i := 1; i < len(frames); i++ {
		for _, m := range madeByAsker {
			if m.has(frames[i].Func) && !IsRuntime(frames[i-1].Func) {
				return m
			}
		}
	}
	return nil
}

// Asks reports whether a stack is in a call over the network: in package net or one below
// it, but for what serves.
func (p *Pools) Asks(stack uint32) bool { return p.of(stack).asks }

func (p *Pools) of(stack uint32) poolSite {
	for int(stack) >= len(p.stacks) {
		p.stacks = append(p.stacks, poolSite{})
	}
	x := &p.stacks[stack]
	if !x.known {
		frames := p.Names.Stacks[stack]
		*x = poolSite{known: true, pool: PoolOf(frames), making: makingOf(frames),
			makes: slices.ContainsFunc(frames, func(f report.Frame) bool { return HasPrefix(f.Func, making) }),
			asks:  waitsForNet(frames)}
	}
	return *x
}

// waitsForNet reports whether a stack waits for an answer of the network: in package net or one
// below it. What such a call leads to in a module or in the program itself, such as a lock in
// a RoundTripper, or one of the library's own, is not the network's.
func waitsForNet(frames []report.Frame) bool {
	i := slices.IndexFunc(frames, func(f report.Frame) bool { return !HasPrefix(f.Func, WaitPackages) })
	if i < 0 || inLocking(frames[:i]) {
		return false
	}
	for ; i < len(frames) && (Standard(&frames[i]) || HasPrefix(frames[i].Func, netModules)); i++ {
		if ofNet(frames[i]) {
			return true
		}
	}
	return false
}

// inLocking reports whether frames are of the locking of a mutex.
func inLocking(frames []report.Frame) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return strings.Contains(f.Func, "Mutex).") })
}

// ofNet reports whether a frame is of net or of a package below it, or of a client of gRPC
// or HTTP/2 outside of the standard library, and does not serve.
func ofNet(f report.Frame) bool { return AsksNet(f.Func) }

// AsksNet reports the same of a function.
func AsksNet(fn string) bool { return HasPrefix(fn, netPackages) && !Serves(fn) }

// Serves reports whether a function is of a server, which accepts connections or serves one.
func Serves(fn string) bool { return HasPrefix(fn, serving) }

var (
	netPackages = []string{"net.", "net/", "google.golang.org/grpc.(*ClientConn).", "google.golang.org/grpc.(*clientStream", "google.golang.org/grpc.(*csAttempt).",
		"golang.org/x/net/http2.(*Transport).", "golang.org/x/net/http2.(*clientStream)."}
	netModules = []string{"google.golang.org/grpc", "golang.org/x/net/http2."}
	serving    = []string{"net/http.(*Server).Serve", "net/http.(*conn)", "net/http.(*http2serverConn)", "golang.org/x/net/http2.(*serverConn)", "google.golang.org/grpc.(*Server).",
		"net/http.serverHandler", "net/http.HandlerFunc", "net/http.(*ServeMux)", "github.com/valyala/fasthttp.(*Server).", "github.com/valyala/fasthttp.(*workerPool)."}
)
