package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"gmptrace/analyze"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

const long = 30 * time.Second

// connect is a client of a server for dir whose commands are run by command.
func connect(t *testing.T, dir string, command Command, opt *sdk.ClientOptions) (*Server, *sdk.ClientSession) {
	t.Helper()
	s, err := New(dir, "test", command)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := sdk.NewInMemoryTransports()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.serve(ctx, ours) }()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test"}, opt).Connect(ctx, theirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return s, session
}

type arguments map[string]any

func call(t *testing.T, session *sdk.ClientSession, tool string, args arguments) *sdk.CallToolResult {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	result, err := session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	total := 0
	for _, c := range result.Content {
		text := c.(*sdk.TextContent).Text
		total += len(text)
		for _, r := range text {
			if r != '\n' && (!unicode.IsPrint(r) || r == utf8.RuneError) {
				t.Fatalf("%s %v: %q in %q", tool, args, r, text)
			}
		}
	}
	if total > mostText {
		t.Errorf("%s %v: %d bytes of text, at most %d may be", tool, args, total, mostText)
	}
	return result
}

func text(result *sdk.CallToolResult) string { return result.Content[0].(*sdk.TextContent).Text }

// failure is what a tool says is wrong.
func failure(t *testing.T, session *sdk.ClientSession, tool string, args arguments) string {
	t.Helper()
	result := call(t, session, tool, args)
	if !result.IsError {
		t.Fatalf("%s %v is no error: %s", tool, args, text(result))
	}
	return text(result)
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// echo prints its arguments.
func echo(_ context.Context, h Host, args []string) (string, error) {
	_, err := fmt.Fprintln(h.Out, strings.Join(args, " "))
	return "", err
}

// TestCommandLines: what tools are asked becomes the command line that a person would write.
func TestCommandLines(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "-o", "x.trace"} {
		write(t, filepath.Join(dir, name), "trace")
	}
	_, session := connect(t, dir, echo, nil)
	for _, test := range []struct {
		tool string
		args arguments
		want string
	}{
		{"verdict", arguments{"trace": "a"}, "analyze --quiet a"},
		{"verdict", arguments{"trace": "-o", "all": true}, "analyze --quiet --all ./-o"},
		{"verdict", arguments{"trace": "a", "cursor": ""}, "analyze --quiet a"},
		{"explain", arguments{"trace": "a"}, "explain --quiet a"},
		{"explain", arguments{"trace": "a", "http": "--output=x", "top": 3, "from": "1ms", "to": "2ms"}, "explain --quiet --http=--output=x --top=3 --from=1ms --to=2ms a"},
		{"explain", arguments{"trace": "a", "http": "", "task": "42", "goroutine": 0, "unfinished": true, "having": "id"}, "explain --quiet --task=42 --having=id --unfinished a"},
		{"explain", arguments{"trace": "a", "goroutine": 7, "region": "r", "func": "f", "at": "p", "log": "l", "served": true, "client": true, "pooled": true},
			"explain --quiet --region=r --func=f --at=p --goroutine=7 --log=l --served --client --pooled a"},
		{"findings", arguments{"trace": "a"}, "analyze --quiet --findings a"},
		{"findings", arguments{"trace": "a", "id": "gc,lock", "from": "1s"}, "analyze --quiet --findings=gc,lock --from=1s a"},
		{"window", arguments{"trace": "a", "to": "1s"}, "analyze --quiet --to=1s a"},
		{"decisions", arguments{"trace": "a", "kinds": []string{"steal", "handoff"}}, "decisions --quiet --format=text --kind=steal,handoff a"},
		{"decisions", arguments{"trace": "a", "kinds": "steal"}, "decisions --quiet --format=text --kind=steal a"},
		{"compare", arguments{"before": "a", "after": []string{"b", "-o"}, "verbose": true}, "diff --quiet --verbose a --against b ./-o"},
		{"whatif", arguments{"trace": "a"}, "whatif --quiet --format=text a"},
		{"whatif", arguments{"trace": "-o", "faster": "--out=20%", "gomaxprocs": 8}, "whatif --quiet --format=text --faster=--out=20% --gomaxprocs=8 ./-o"},
		{"whatif", arguments{"trace": "a", "faster": []string{"f=1", "g=2%"}, "pools": []string{"w=3"}, "without_lock": "l", "without_syscall": "s", "gc": "off", "gomaxprocs": []int{1, 2},
			"cpus": 3, "schedulers": []string{"gmp", "thread-queue"}, "teach": true, "from": "1ms", "to": "2ms"},
			"whatif --quiet --format=text --faster=f=1 --faster=g=2% --pool=w=3 --without-lock=l --without-syscall=s --gc=off --gomaxprocs=1,2 --cpus=3 --scheduler=gmp,thread-queue --teach --from=1ms --to=2ms a"},
		{"fleet", arguments{"traces": []string{"b", "-o", "b"}, "trigger": "slow", "build": "--x", "host_from": "^(.)", "build_from": "b"},
			"fleet --quiet --format=text --trigger=slow --build=--x --host-from=^(.) --build-from=b ./-o b"},
		{"fleet", arguments{"traces": "."}, "fleet --quiet --format=text x.trace"},
	} {
		if got := text(call(t, session, test.tool, test.args)); got != test.want+"\n" {
			t.Errorf("%s %v: %q, want %q", test.tool, test.args, got, test.want)
		}
	}
}

// TestBadArguments: what can't be meant is said by the tool, not a protocol error, and
// what is repeated of it can be shown.
func TestBadArguments(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "trace")
	_, session := connect(t, dir, echo, nil)
	for _, test := range []struct {
		tool string
		args arguments
		want string
	}{
		{"verdict", arguments{}, "trace"},
		{"verdict", arguments{"trace": 7}, "trace"},
		{"verdict", arguments{"trace": "a", "\x1b[2J": 1}, `\x1b[2J`},
		{"verdict", arguments{"trace": strings.Repeat("\u202e", 1<<16)}, `\u202e`},
		{"explain", arguments{"trace": "a", "top": "many"}, "top"},
		{"window", arguments{"trace": "a"}, "from, to: at least one"},
		{"compare", arguments{"before": []string{}, "after": "a"}, "before, after: need at least one"},
		{"compare", arguments{"before": "", "after": "a"}, "before, after: need at least one"},
		{"compare", arguments{"before": []any{"a", 1}, "after": "a"}, "before"},
		{"whatif", arguments{"trace": "a", "gomaxprocs": "many"}, "gomaxprocs"},
		{"fleet", arguments{}, "traces"},
		{"fleet", arguments{"traces": []string{}}, "traces: need at least one"},
		{"fleet", arguments{"traces": "."}, "has neither traces nor rows below it"},
		{"verdict", arguments{"trace": "a", "cursor": "moon"}, "cursor: is none that an answer has given"},
		{"verdict", arguments{"trace": "a", "cursor": cursor{Offset: 1 << 63}.String()}, "cursor: is none that an answer has given"},
		{"verdict", arguments{"trace": "a", "cursor": cursor{Question: 1}.String()}, "cursor: is of another question"},
	} {
		if got := failure(t, session, test.tool, test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s %v: %q, want %q in it", test.tool, test.args, got, test.want)
		}
	}
	if _, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "rm"}); err == nil {
		t.Error("a tool that there is not was called")
	}
}

// TestPages: the pages of an answer are the whole of it, however long it is and its lines
// are, and end where lines do.
func TestPages(t *testing.T) {
	lines := func(n, length int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%07d %s\n", i, strings.Repeat("é", length/2))
		}
		return b.String()
	}
	for name, want := range map[string]string{
		"nothing":               "",
		"a page":                lines(1, mostPage-9),
		"a page and a byte":     lines(1, mostPage-9) + "\n",
		"no line ends":          strings.Repeat("€", mostPage) + "x",
		"as much as is kept":    lines(ahead/64, 55) + strings.Repeat("x", ahead-ahead/64*63),
		"more than is kept":     lines(3*ahead/100, 100),
		"long lines, and short": lines(20, 2*mostPage) + lines(100, 10),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "a"), "trace")
			runs := 0
			_, session := connect(t, dir, func(_ context.Context, h Host, _ []string) (string, error) {
				runs++
				for rest := want; rest != ""; {
					n := min(1000, len(rest))
					if _, err := io.WriteString(h.Out, rest[:n]); err != nil {
						return "", err
					}
					rest = rest[n:]
				}
				return "gmptrace: a: analysed in part\n", nil
			}, nil)
			var got strings.Builder
			args := arguments{"trace": "a"}
			for range 200 {
				result := call(t, session, "decisions", args)
				page := text(result)
				got.WriteString(page)
				next, more := result.Meta["gmptrace/cursor"].(string)
				if !more {
					break
				}
				if strings.Contains(page, "\n") && !strings.HasSuffix(page, "\n") {
					t.Errorf("a page ends in the middle of a line: %q", page[len(page)-20:])
				}
				if !strings.Contains(result.Content[1].(*sdk.TextContent).Text, next) {
					t.Errorf("%q does not tell of %s", result.Content[1], next)
				}
				args["cursor"] = next
			}
			if all := want + "\ngmptrace: a: analysed in part\n"; got.String() != all {
				t.Errorf("%d bytes in pages, %d in all", got.Len(), len(all))
			}
			if most := 1 + len(want)/(ahead-2*mostPage); runs > most {
				t.Errorf("ran %d times for %d bytes, want %d or less", runs, len(want), most)
			}
		})
	}
}

// TestChanged: a cursor holds for the files as they were, beside other arguments for none,
// and a file that changes while it is read is noticed.
func TestChanged(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	write(t, file, "trace")
	var meanwhile func()
	_, session := connect(t, dir, func(_ context.Context, h Host, _ []string) (string, error) {
		if meanwhile != nil {
			meanwhile()
		}
		f, err := h.Open("a")
		if err != nil {
			return "", err
		}
		f.Close()
		_, err = io.WriteString(h.Out, strings.Repeat("line\n", mostPage))
		return "", err
	}, nil)
	next := func() string {
		t.Helper()
		return call(t, session, "verdict", arguments{"trace": "a"}).Meta["gmptrace/cursor"].(string)
	}
	const want = "a: has changed meanwhile"
	at := next()
	if got := failure(t, session, "findings", arguments{"trace": "a", "cursor": at}); !strings.Contains(got, "another question") {
		t.Error(got)
	}
	write(t, file, "longer trace")
	if got := failure(t, session, "verdict", arguments{"trace": "a", "cursor": at}); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	at = next()
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := failure(t, session, "verdict", arguments{"trace": "a", "cursor": at}); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	at = next()
	write(t, file+".machine", "evidence")
	if got := failure(t, session, "verdict", arguments{"trace": "a", "cursor": at}); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	meanwhile = func() { write(t, file, "another trace") }
	if got := failure(t, session, "explain", arguments{"trace": "a"}); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
}

// TestReports: a report is made once for all tools that ask for it, and anew of a file that
// has changed or of another part.
func TestReports(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "trace")
	made := 0
	_, session := connect(t, dir, func(_ context.Context, h Host, args []string) (string, error) {
		rep, err := h.Report(func() (*report.Report, error) {
			made++
			return &report.Report{Verdict: report.Verdict{Headline: "It was \u202eslow"}}, nil
		})
		if err != nil {
			return "", err
		}
		_, err = fmt.Fprintln(h.Out, len(rep.Verdict.Headline), args)
		return "", err
	}, nil)
	result := call(t, session, "verdict", arguments{"trace": "a"})
	brief, _ := result.StructuredContent.(map[string]any)
	if verdict, _ := brief["verdict"].(map[string]any); verdict["headline"] != `It was \u202eslow` {
		t.Errorf("structured: %v", result.StructuredContent)
	}
	call(t, session, "findings", arguments{"trace": "a"})
	call(t, session, "verdict", arguments{"trace": "a"})
	if made != 1 {
		t.Errorf("made %d reports, want 1", made)
	}
	call(t, session, "window", arguments{"trace": "a", "from": "1ms"})
	if made != 2 {
		t.Errorf("made %d reports, want 2", made)
	}
	write(t, filepath.Join(dir, "a"), "another")
	call(t, session, "findings", arguments{"trace": "a"})
	if made != 3 {
		t.Errorf("made %d reports, want 3", made)
	}
}

// TestKept: what was asked for last stays, as much as there is room for.
func TestKept(t *testing.T) {
	k := kept[string, int]{most: 10}
	all := func(int) bool { return true }
	k.put("a", 1, 4)
	k.put("b", 2, 4)
	k.get("a", all)
	k.put("c", 3, 4)
	k.put("d", 4, 11)
	k.put("e", 5, 1)
	var keys []string
	for _, e := range k.list {
		keys = append(keys, e.key)
	}
	if !slices.Equal(keys, []string{"e"}) || k.size != 1 {
		t.Errorf("kept %v, %d bytes", keys, k.size)
	}
	k.put("f", 6, 4)
	k.put("g", 7, 4)
	k.get("e", all)
	k.put("h", 8, 2)
	if _, ok := k.get("f", all); ok {
		t.Error("what was asked for least of late was kept")
	}
	if v, ok := k.get("e", func(v int) bool { return v == 5 }); !ok || v != 5 {
		t.Error("what was asked for of late was not kept")
	}
}

// TestAtOnce: no more than two analyses run at a time, and one that is called off makes
// room for the next.
func TestAtOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "trace")
	var running, most atomic.Int64
	stopped := make(chan error, 10)
	s, session := connect(t, dir, func(ctx context.Context, _ Host, _ []string) (string, error) {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-ctx.Done()
		stopped <- ctx.Err()
		return "", ctx.Err()
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for i := range 5 {
		calls.Go(func() {
			_, err := session.CallTool(ctx, &sdk.CallToolParams{Name: "explain", Arguments: arguments{"trace": "a", "top": i + 1}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a call that was called off ended with %v", err)
			}
		})
	}
	for deadline := time.Now().Add(long); running.Load() < atOnce; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing runs")
		}
	}
	cancel()
	calls.Wait()
	for range atOnce {
		if err := <-stopped; !errors.Is(err, context.Canceled) {
			t.Errorf("an analysis ended with %v", err)
		}
	}
	for deadline := time.Now().Add(long); running.Load() > 0 || len(s.turn) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d analyses still run, %d turns are taken", running.Load(), len(s.turn))
		}
	}
	if most.Load() > atOnce {
		t.Errorf("%d analyses ran at once", most.Load())
	}
}

// TestProgress: whoever gives a token is told how far the reading is, of all traces
// together, growing, and nothing after the answer.
func TestProgress(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), strings.Repeat("x", 100))
	write(t, filepath.Join(dir, "b"), strings.Repeat("x", 50))
	told := make(chan *sdk.ProgressNotificationParams, 100)
	var late func(replay.Progress)
	_, session := connect(t, dir, func(_ context.Context, h Host, _ []string) (string, error) {
		for _, name := range []string{"a", "b"} {
			f, err := h.Open(name)
			if err != nil {
				return "", err
			}
			f.Close()
			for _, at := range []int64{10, 40, 40, 50} {
				h.Progress(replay.Progress{Bytes: at, Events: 10_000 * at})
			}
		}
		late = h.Progress
		return "", nil
	}, &sdk.ClientOptions{ProgressNotificationHandler: func(_ context.Context, req *sdk.ProgressNotificationClientRequest) { told <- req.Params }})
	params := &sdk.CallToolParams{Name: "compare", Arguments: arguments{"before": "a", "after": "b"}}
	params.SetProgressToken("p")
	if _, err := session.CallTool(t.Context(), params); err != nil {
		t.Fatal(err)
	}
	late(replay.Progress{Bytes: 1000})
	call(t, session, "verdict", arguments{"trace": "a"}) // which gives no token
	var got []string
	for len(got) < 6 {
		select {
		case p := <-told:
			got = append(got, fmt.Sprintf("%v %v/%v %s", p.ProgressToken, p.Progress, p.Total, p.Message))
		case <-time.After(long):
			t.Fatalf("told %q", got)
		}
	}
	want := []string{"p 10/100 read 10 bytes, 100,000 events", "p 40/100 read 40 bytes, 400,000 events", "p 50/100 read 50 bytes, 500,000 events",
		"p 110/150 read 110 bytes, 100,000 events", "p 140/150 read 140 bytes, 400,000 events", "p 150/150 read 150 bytes, 500,000 events"}
	slices.Sort(got) // a client may handle them at once
	slices.Sort(want)
	if !slices.Equal(got, want) || len(told) > 0 {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestLists: tools, resources and prompts tell what they are for, and what arguments mean.
func TestLists(t *testing.T) {
	_, session := connect(t, t.TempDir(), echo, nil)
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
		if tool.Description == "" || !tool.Annotations.ReadOnlyHint || *tool.Annotations.OpenWorldHint {
			t.Errorf("%s: %+v", tool.Name, tool)
		}
		for name, p := range tool.InputSchema.(map[string]any)["properties"].(map[string]any) {
			property := p.(map[string]any)
			if property["description"] == nil || property["type"] == nil {
				t.Errorf("%s: %s: %v", tool.Name, name, property)
			}
			if said, _ := property["description"].(string); name == "kinds" {
				for _, kind := range analyze.DecisionKinds {
					if !strings.Contains(said, string(kind)) {
						t.Errorf("%q does not tell of %s", said, kind)
					}
				}
			}
		}
	}
	if want := []string{"compare", "decisions", "explain", "findings", "fleet", "verdict", "whatif", "window"}; !slices.Equal(names, want) {
		t.Errorf("tools %q, want %q", names, want)
	}
	resources, err := session.ListResources(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(resources.Resources) < 6 {
		t.Errorf("%d resources", len(resources.Resources))
	}
	for _, r := range resources.Resources {
		read, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: r.URI})
		if err != nil {
			t.Error(err)
			continue
		}
		if int64(len(read.Contents[0].Text)) != r.Size || r.Size < 1000 || r.Description == "" {
			t.Errorf("%+v has %d bytes", r, len(read.Contents[0].Text))
		}
	}
	if _, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "file:///etc/passwd"}); err == nil {
		t.Error("a resource that there is not was read")
	}
	prompt, err := session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "investigate", Arguments: map[string]string{"trace": "a.trace", "symptom": "slow\u202e"}})
	if err != nil {
		t.Fatal(err)
	}
	said := prompt.Messages[0].Content.(*sdk.TextContent).Text
	if !strings.HasPrefix(said, `Find out why the Go program was slow whose execution trace is "a.trace", of which was noticed: "slow\u202e".`) {
		t.Errorf("prompt: %s", said)
	}
	for _, name := range names {
		if name != "compare" && !strings.Contains(said, name) {
			t.Errorf("the prompt does not tell of %s", name)
		}
	}
}
