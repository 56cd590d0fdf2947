package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// question is what a tool is asked, as a command of gmptrace.
type question struct {
	command  string
	flags    []string
	traces   []string
	against  []string // new ones, to compare the others with
	from, to string   // of the flags, those that say which part is read
	cursor   string
	folders  bool // a folder stands for the traces below it
	brief    bool // answer with the report in short as well, for programs
}

// args is the command line. A name can't be taken for a flag.
func (q *question) args() []string {
	args := slices.Concat([]string{q.command, "--quiet"}, q.flags, flag("from", q.from), flag("to", q.to), named(q.traces))
	if len(q.against) > 0 {
		args = slices.Concat(args, []string{"--against"}, named(q.against))
	}
	return args
}

// files are the traces that the command line names.
func (q *question) files() []string { return slices.Concat(named(q.traces), named(q.against)) }

func named(traces []string) []string {
	var names []string
	for _, name := range traces {
		if strings.HasPrefix(name, "-") {
			name = "." + string(filepath.Separator) + name
		}
		names = append(names, name)
	}
	return names
}

// flag is a flag with its value. None is what assistants give as nothing, too.
func flag(name, value string) []string {
	if value == "" {
		return nil
	}
	return []string{"--" + name + "=" + value}
}

func number(name string, n int64) []string {
	if n == 0 {
		return nil
	}
	return flag(name, strconv.FormatInt(n, 10))
}

func given(name string, yes bool) []string {
	if !yes {
		return nil
	}
	return []string{"--" + name}
}

// asker is the arguments of a tool.
type asker interface{ asks() (question, error) }

// tools are all of them. One more is a type of arguments and a line here.
var tools = []func(*Server){
	tool[verdictArguments]("verdict", "Why a program was slow",
		"Says what was slow in a Go execution trace and why, who did it and in which line, what that cost, what to do about it, and what else was found. Ask this first. "+
			"It ends in commands that tell more; the tool explain is 'gmptrace explain', findings is 'gmptrace analyze --findings', decisions 'gmptrace decisions'. "+
			"The same is in the structured content, in short."),
	tool[explainArguments]("explain", "Where the time of requests, tasks, goroutines went",
		"Picks requests, tasks, regions, goroutines or log messages out of a trace and says where the time of the slowest went, what they have that typical ones have not, and who was behind it. "+
			"Every nanosecond has one cause. At most one of http, task, region, func, at, goroutine and log selects what is explained; without any it is the requests that the program served, else its tasks, else the longest waits for a P."),
	tool[findingsArguments]("findings", "Findings with their evidence",
		"Lists what the checks found, worst first, each with what it cost, why, the evidence, what to do, how sure it is, the moments and a stack; and what checks measured that found nothing."),
	tool[windowArguments]("window", "What happened in a part of the trace",
		"Says of a part of a trace, from one moment to another, what verdict says of all of it: what was slow then, and why. Findings and explanations name moments to look at."),
	tool[decisionsArguments]("decisions", "The scheduler's decisions, one a line",
		"Lists the scheduler's decisions in the order of the trace: dispatches and where the goroutine came from, steals, handoffs of Ps, preemptions, and where the trace contradicted the model. "+
			"There are a great many: give a short part of the trace. A source with a question mark is likely, not certain."),
	tool[whatIfArguments]("whatif", "What would change if something were faster, or the settings others",
		"Simulates the traced program with something changed, and says what becomes of p50, p90 and p99 of its requests and tasks, or of its run, in which range that likely lies and how sure it is. "+
			"Without an argument beside the trace it says what to make faster first, and what half and twice the GOMAXPROCS would do. What it calls poor or does not tell is not to be relied on."),
	tool[compareArguments]("compare", "What changed between traces",
		"Compares how long requests, tasks, regions and goroutines took, how long they waited for a P and what the scheduler did in traces from before a change and from after it. "+
			"It claims a change only where it is more than chance explains; several traces a side tell how runs differ."),
	tool[fleetArguments]("fleet", "What many traces have in common",
		"Says of many traces, such as the snapshots of a service's flight recorders, which cause eats the slow requests, on which hosts, since which build; how long things take by build, and which hosts stand out. "+
			"A trace that cannot be read is told of, and stops nothing. It ends in the trace to go on with: verdict is 'gmptrace analyze'."),
}

type fleetArguments struct {
	Traces    texts  `json:"traces" jsonschema:"the traces: paths of files below the server's folder, relative to it, of folders with traces below them, and of rows that 'gmptrace fleet' keeps"`
	Trigger   string `json:"trigger,omitempty" jsonschema:"take all traces for taken because of this: baseline, slow, observed, metric or asked"`
	Build     string `json:"build,omitempty" jsonschema:"take all traces for those of this build"`
	HostFrom  string `json:"host_from,omitempty" jsonschema:"take the host from a trace's path: what this regular expression matches, or its first group"`
	BuildFrom string `json:"build_from,omitempty" jsonschema:"take the build from a trace's path, likewise"`
	paged
}

func (a fleetArguments) asks() (question, error) {
	if len(a.Traces) == 0 {
		return question{}, errors.New("traces: need at least one trace, or a folder with some")
	}
	return question{command: "fleet", traces: a.Traces, folders: true, cursor: a.Cursor, flags: slices.Concat([]string{"--format=text"},
		flag("trigger", a.Trigger), flag("build", a.Build), flag("host-from", a.HostFrom), flag("build-from", a.BuildFrom))}, nil
}

type oneTrace struct {
	Trace string `json:"trace" jsonschema:"the trace: path of a file below the server's folder, relative to it; gzip and zstd are recognised"`
}

type part struct {
	From string `json:"from,omitempty" jsonschema:"leave out what comes before: an offset from the trace's start with a unit (1.5s, 200ms, 350us) or a time (2026-01-02T15:04:05Z)"`
	To   string `json:"to,omitempty" jsonschema:"leave out what comes after: an offset from the trace's start with a unit, or a time"`
}

type paged struct {
	Cursor string `json:"cursor,omitempty" jsonschema:"where to go on: the cursor that the answer before ended with, beside the same arguments; without it the answer begins anew"`
}

type verdictArguments struct {
	oneTrace
	All bool `json:"all,omitempty" jsonschema:"all that was found and all figures, not the answer alone: latency, dispatches, steals, handoffs, preemptions, GC, functions, tasks, rules of the scheduler"`
	paged
}

func (a verdictArguments) asks() (question, error) {
	return question{command: "analyze", flags: given("all", a.All), traces: []string{a.Trace}, cursor: a.Cursor, brief: true}, nil
}

type explainArguments struct {
	oneTrace
	HTTP       string `json:"http,omitempty" jsonschema:"requests of net/http, fasthttp and gRPC whose handler matches this regular expression or, if none does, that were seen in a function that does; . for all"`
	Task       string `json:"task,omitempty" jsonschema:"the user tasks with this name, or the one with this id"`
	Region     string `json:"region,omitempty" jsonschema:"the user regions with this name"`
	Func       string `json:"func,omitempty" jsonschema:"goroutines that started with a function matching this regular expression or, if there are none, that were seen in one"`
	At         string `json:"at,omitempty" jsonschema:"stretches in which goroutines were seen with a function matching this regular expression anywhere on their stacks"`
	Goroutine  int64  `json:"goroutine,omitempty" jsonschema:"the goroutine with this number"`
	Log        string `json:"log,omitempty" jsonschema:"what led up to log messages matching this regular expression"`
	Having     string `json:"having,omitempty" jsonschema:"of what is selected those alone in which a message matching this regular expression was logged, such as a trace id"`
	Unfinished bool   `json:"unfinished,omitempty" jsonschema:"those alone that had not ended when the trace did"`
	Served     bool   `json:"served,omitempty" jsonschema:"with http: the requests alone that the program served"`
	Client     bool   `json:"client,omitempty" jsonschema:"with http: the requests alone that the program sent"`
	Pooled     bool   `json:"pooled,omitempty" jsonschema:"compare all that is selected with each other, whatever it is called"`
	Top        int64  `json:"top,omitempty" jsonschema:"how many of the slowest to explain, from 1 to 1000; 5 if it is not given"`
	part
	paged
}

func (a explainArguments) asks() (question, error) {
	return question{command: "explain", traces: []string{a.Trace}, from: a.From, to: a.To, cursor: a.Cursor, flags: slices.Concat(
		flag("http", a.HTTP), flag("task", a.Task), flag("region", a.Region), flag("func", a.Func), flag("at", a.At), number("goroutine", a.Goroutine),
		flag("log", a.Log), flag("having", a.Having), given("unfinished", a.Unfinished), given("served", a.Served), given("client", a.Client), given("pooled", a.Pooled),
		number("top", a.Top))}, nil
}

type findingsArguments struct {
	oneTrace
	ID string `json:"id,omitempty" jsonschema:"the id of one check, such as lock, gc or idle-p, or several with commas between: what these found or measured alone"`
	part
	paged
}

func (a findingsArguments) asks() (question, error) {
	flags := []string{"--findings"}
	if a.ID != "" {
		flags = flag("findings", a.ID)
	}
	return question{command: "analyze", flags: flags, traces: []string{a.Trace}, from: a.From, to: a.To, cursor: a.Cursor}, nil
}

type windowArguments struct {
	oneTrace
	part
	All bool `json:"all,omitempty" jsonschema:"all that was found and all figures, not the answer alone"`
	paged
}

func (a windowArguments) asks() (question, error) {
	if a.From == "" && a.To == "" {
		return question{}, errors.New("from, to: at least one of them must say which part of the trace is meant")
	}
	return question{command: "analyze", flags: given("all", a.All), traces: []string{a.Trace}, from: a.From, to: a.To, cursor: a.Cursor, brief: true}, nil
}

type decisionsArguments struct {
	oneTrace
	Kinds texts `json:"kinds,omitempty" jsonschema:"only decisions of these kinds, of dispatch, steal, handoff, preempt and divergence; all if it is not given"`
	part
	paged
}

func (a decisionsArguments) asks() (question, error) {
	return question{command: "decisions", flags: slices.Concat([]string{"--format=text"}, flag("kind", strings.Join(a.Kinds, ","))),
		traces: []string{a.Trace}, from: a.From, to: a.To, cursor: a.Cursor}, nil
}

type whatIfArguments struct {
	oneTrace
	Faster         texts   `json:"faster,omitempty" jsonschema:"functions that compute less, with all that they call: a regular expression, = and a share, such as main\\.pack=20%, or several such"`
	WithoutLock    string  `json:"without_lock,omitempty" jsonschema:"nobody waits for mutexes in functions that lock them and match this regular expression"`
	WithoutSyscall string  `json:"without_syscall,omitempty" jsonschema:"functions that match this regular expression make no system calls"`
	GC             string  `json:"gc,omitempty" jsonschema:"how often the collector runs: half, off, or gogc=N as with GOGC=N"`
	Pools          texts   `json:"pools,omitempty" jsonschema:"how many goroutines do the jobs of those that start with a function: a regular expression, = and a number, such as main\\.worker=16, or several such"`
	GOMAXPROCS     numbers `json:"gomaxprocs,omitempty" jsonschema:"numbers of Ps to simulate, from 1 to 1024"`
	CPUs           int64   `json:"cpus,omitempty" jsonschema:"CPUs that the Ps share; one for each if it is not given"`
	Schedulers     texts   `json:"schedulers,omitempty" jsonschema:"of gmp, which is Go's, global-queue and thread-queue; all if it is not given"`
	Teach          bool    `json:"teach,omitempty" jsonschema:"show instead where one queue for all threads, or a queue for each, has trouble with this program, and what Go's scheduler does about it"`
	part
	paged
}

func (a whatIfArguments) asks() (question, error) {
	flags := []string{"--format=text"}
	for _, f := range a.Faster {
		flags = append(flags, flag("faster", f)...)
	}
	for _, p := range a.Pools {
		flags = append(flags, flag("pool", p)...)
	}
	return question{command: "whatif", traces: []string{a.Trace}, from: a.From, to: a.To, cursor: a.Cursor, flags: slices.Concat(flags,
		flag("without-lock", a.WithoutLock), flag("without-syscall", a.WithoutSyscall), flag("gc", a.GC), flag("gomaxprocs", a.GOMAXPROCS.String()), number("cpus", a.CPUs),
		flag("scheduler", strings.Join(a.Schedulers, ",")), given("teach", a.Teach))}, nil
}

type compareArguments struct {
	Before  texts `json:"before" jsonschema:"the trace from before, or several: paths of files below the server's folder, relative to it"`
	After   texts `json:"after" jsonschema:"the trace from after, or several"`
	Verbose bool  `json:"verbose,omitempty" jsonschema:"list what did not change as well"`
	part
	paged
}

func (a compareArguments) asks() (question, error) {
	if len(a.Before) == 0 || len(a.After) == 0 {
		return question{}, errors.New("before, after: need at least one trace of each")
	}
	return question{command: "diff", flags: given("verbose", a.Verbose), traces: a.Before, against: a.After, from: a.From, to: a.To, cursor: a.Cursor}, nil
}

// texts are several texts, or one alone, as assistants like to give it.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = nil
		if one != "" {
			*t = texts{one}
		}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// numbers are several numbers, or one alone.
type numbers []int64

func (n *numbers) UnmarshalJSON(data []byte) error {
	var one int64
	if json.Unmarshal(data, &one) == nil {
		*n = nil
		if one != 0 {
			*n = numbers{one}
		}
		return nil
	}
	return json.Unmarshal(data, (*[]int64)(n))
}

// String has them with commas between.
func (n numbers) String() string {
	var all []string
	for _, x := range n {
		all = append(all, strconv.FormatInt(x, 10))
	}
	return strings.Join(all, ",")
}

// tool is a tool that answers what such arguments ask.
func tool[A asker](name, title, description string) func(*Server) {
	schema, err := schemaOf[A]()
	if err != nil {
		panic(fmt.Sprintf("arguments of %s: %v", name, err)) // of types that stand above
	}
	openWorld := false
	return func(s *Server) {
		sdk.AddTool(s.protocol, &sdk.Tool{
			Name: name, Title: title, Description: description, InputSchema: schema,
			Annotations: &sdk.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &openWorld},
		}, answering[A](s))
	}
}
