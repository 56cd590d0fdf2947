package flight

import (
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Handler lists the snapshots, as JSON where that is asked for (?format=json), has one
// downloaded (GET NAME), and takes one (POST snap, with a reason). Mount it where its
// paths end, behind http.StripPrefix:
//
//	mux.Handle("/debug/flight/", http.StripPrefix("/debug/flight", rec.Handler()))
//
// A trace tells much of a program. Whoever is not on this machine is refused, unless
// Config.Allow says otherwise; and so is a request that a proxy has forwarded, or that
// a web page of somebody else's makes a browser send.
func (r *Recorder) Handler() http.Handler { return r.HandlerWith("") }

// HandlerWith is Handler with a link in the list to the report of each snapshot, at this
// path before its name.
func (r *Recorder) HandlerWith(report string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, req *http.Request) { r.serveList(w, req, report) })
	mux.HandleFunc("GET /{name}", r.serveFile)
	mux.HandleFunc("POST /snap", r.serveSnap)
	return r.Guard(mux)
}

// Guard keeps a handler to those who may use Handler.
func (r *Recorder) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case r == nil:
			http.Error(w, "this server keeps no flight recording", http.StatusServiceUnavailable)
		case !r.allowed(req):
			http.Error(w, "only for this machine: flight.Config.Allow says who else may", http.StatusForbidden)
		default:
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("Cache-Control", "no-store")
			next.ServeHTTP(w, req)
		}
	})
}

func (r *Recorder) allowed(req *http.Request) bool {
	if origin := req.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != req.Host {
			return false
		}
	}
	peer, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		peer = req.RemoteAddr
	}
	if r.config.Allow != nil && r.config.Allow(peer) {
		return true
	}
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if req.Header.Get(h) != "" {
			return false // the peer is a proxy on this machine, for who knows whom
		}
	}
	return loopback(peer) && loopback(hostOf(req.Host))
}

// hostOf is the host of HOST or HOST:PORT.
func hostOf(s string) string {
	if h, _, err := net.SplitHostPort(s); err == nil {
		return h
	}
	return strings.Trim(s, "[]")
}

// loopback reports whether a name or an address is this machine's for itself. Other names
// may be made to resolve to it.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var list = template.Must(template.New("list").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Flight recording</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem}td,th{padding:.1rem 1rem .1rem 0;text-align:left}td.n{text-align:right}</style></head>
<body><h1>Flight recording</h1>
<form method="post" action="snap"><label>Reason <input name="reason" maxlength="48"></label> <button>Take a snapshot</button></form>
{{if .Snapshots}}<table><thead><tr><th>Taken (UTC)</th><th>Why</th><th>Bytes</th><th>File</th></tr></thead><tbody>
{{range .Snapshots}}<tr><td>{{.Time.Format "2006-01-02 15:04:05.000"}}</td><td>{{if $.Report}}<a href="{{$.Report}}{{.Name}}">{{.Why}}</a>{{else}}{{.Why}}{{end}}</td><td class="n">{{.Bytes}}</td><td><a href="{{.Name}}">{{.Name}}</a></td></tr>
{{end}}</tbody></table>{{else}}<p>No snapshot has been taken yet.</p>{{end}}
</body></html>
`))

func (r *Recorder) serveList(w http.ResponseWriter, req *http.Request, report string) {
	all, err := r.Snapshots()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if req.FormValue("format") == "json" {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(append([]Snapshot{}, all...))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	list.Execute(w, struct {
		Snapshots []Snapshot
		Report    string
	}{all, report})
}

func (r *Recorder) serveFile(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	if _, ok := parse(name); !ok || path.Base(name) != name || strings.Contains(name, `\`) {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+plainFile(name)+`"`)
	http.ServeFile(w, req, path.Join(r.config.Dir, name))
}

// plainFile is a name without what would end a quoted header.
func plainFile(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == '"' || c > '~' {
			return '_'
		}
		return c
	}, name)
}

func (r *Recorder) serveSnap(w http.ResponseWriter, req *http.Request) {
	s, err := r.Snap(req.FormValue("reason"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if strings.Contains(req.Header.Get("Accept"), "text/html") {
		w.Header().Set("Location", "./") // http.Redirect would not know what was stripped off before it
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s)
}
