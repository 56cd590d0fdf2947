package explain

import (
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
)

// Functions of fasthttp, which fiber and others serve with: a worker serves one connection
// after the other, and calls handlers itself. Nothing reads ahead there, so that a request
// of which no stop shows its handler is told by the response that is written.
const (
	fastHTTP   = "github.com/valyala/fasthttp."
	fastWorker = fastHTTP + "(*workerPool).getCh.func"
	fastConn   = fastHTTP + "(*Server).serveConn"
	fastAside  = fastHTTP + "Timeout" // handlers that run another one on a goroutine of its own
)

// fastHandled is the frame of fasthttp that calls the handler, where frames end with what
// serves a connection; 0 if none is called, but a request is under way all the same: its
// body is read, or its response written. It is -1 where the next request is waited for.
func fastHandled(frames []report.Frame) int {
	conn := len(frames) - 1
	for conn >= 0 && frames[conn].Func != fastConn {
		conn--
	}
	if conn < 1 {
		return -1
	}
	f := &frames[conn-1]
	base := f.Func[strings.LastIndexByte(f.Func, '.')+1:]
	switch {
	case strings.HasPrefix(f.Func, fastHTTP) && names.IsClosure(base) && !strings.HasPrefix(f.Func, fastConn):
		return conn // a handler that is wrapped in one of fasthttp's
	case !strings.HasPrefix(f.Func, fastHTTP) && !names.Standard(f):
		return conn
	case strings.Contains(base, "Body"), base == "writeResponse", strings.HasPrefix(f.Func, "bufio.(*Writer)."):
		return 0
	}
	return -1
}
