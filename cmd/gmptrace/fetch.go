package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// patience is how long an endpoint may be silent beyond the time that it records.
const patience = 30 * time.Second

func isURL(trace string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(trace), "://")
	return found && (scheme == "http" || scheme == "https")
}

// fetch asks a trace endpoint for a trace, and hands it on as it comes in. No
// other host is ever contacted.
func fetch(ctx context.Context, rawURL string, seconds int) (*input, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return nil, usagef("%s is not a URL", printableName(rawURL))
	}
	silence := patience + setSeconds(u, seconds)
	ctx, cancel := context.WithCancelCause(ctx)
	body, err := get(ctx, u, silence)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	r := &endpointBody{body: body, cancel: cancel, silence: silence, ctx: ctx}
	r.timer = time.AfterFunc(silence, func() { cancel(silenceError(silence)) })
	return &input{ReadCloser: r, name: u.Redacted()}, nil
}

// setSeconds puts the seconds to record into the URL, where they are given, and
// returns for how long the endpoint will record.
func setSeconds(u *url.URL, seconds int) time.Duration {
	q := u.Query()
	if seconds > 0 {
		q.Set("seconds", strconv.Itoa(seconds))
		u.RawQuery = q.Encode()
	}
	s, err := strconv.ParseFloat(q.Get("seconds"), 64)
	if err != nil || s < 0 || s > (24*time.Hour).Seconds() {
		s = 1
	}
	return time.Duration(s * float64(time.Second))
}

func get(ctx context.Context, u *url.URL, silence time.Duration) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, usagef("%s is not a URL", printableName(u.Redacted()))
	}
	resp, err := client(silence).Do(req)
	if err != nil {
		return nil, getError(ctx, u, err)
	}
	if err := refuse(u, resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp.Body, nil
}

// client is a client that stays at one host. The endpoint sends its headers
// with the first full buffer of the trace, which for an idle program is at the
// end of the recording.
func client(silence time.Duration) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: silence,
			DisableCompression:    true, // the trace itself may be gzip: load recognises that
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if from := via[0].URL; req.URL.Host != from.Host || req.URL.Scheme != from.Scheme {
				return fmt.Errorf("it redirects to %s, which was not asked for", printableName(req.URL.Redacted()))
			}
			if len(via) >= 5 {
				return errors.New("it redirects without end")
			}
			return nil
		},
	}
}

func getError(ctx context.Context, u *url.URL, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // it repeats the URL, with the query that we made
	}
	hint := "Check the address, and that the program is running."
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() && ctx.Err() == nil {
		hint = "The program may be stuck; a shorter --seconds may help."
	}
	return inputError(u.Redacted(), "read", "cannot be fetched: "+err.Error(), hint, err)
}

// refuse turns an answer that can't be a trace into an error that says why.
func refuse(u *url.URL, resp *http.Response) error {
	const path = "The endpoint of net/http/pprof is /debug/pprof/trace; the program must import that package."
	says := firstLine(resp)
	fail := func(kind, text, hint string) error {
		return inputError(u.Redacted(), kind, text, hint, nil)
	}
	switch {
	case strings.Contains(says, "Could not enable tracing"):
		return fail("not-enabled", "the program could not start a trace: "+says, "Only one trace can be taken at a time: try again when the other has ended.")
	case resp.StatusCode == http.StatusNotFound:
		return fail("not-a-trace", "there is no such page (404)", path)
	case resp.StatusCode != http.StatusOK:
		return fail("not-a-trace", "the server answered "+resp.Status+": "+says, path)
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
		return fail("html", "the server answered with a web page, not with a trace", path)
	}
	return nil
}

// firstLine is the first line of an answer that isn't a trace, for messages.
func firstLine(resp *http.Response) string {
	if resp.StatusCode == http.StatusOK {
		return ""
	}
	line, _ := bufio.NewReader(io.LimitReader(resp.Body, 200)).ReadString('\n')
	return printableName(strings.TrimSpace(line))
}

// endpointBody is an answer that may not fall silent for too long.
type endpointBody struct {
	body    io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	silence time.Duration
}

func silenceError(d time.Duration) error {
	return fmt.Errorf("the endpoint sent nothing for %v", d)
}

func (b *endpointBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.silence)
	n, err := b.body.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

func (b *endpointBody) Close() error {
	b.timer.Stop()
	defer b.cancel(nil)
	return b.body.Close()
}
