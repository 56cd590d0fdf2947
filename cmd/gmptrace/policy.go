package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"gmptrace/analyze/policy"

	"github.com/spf13/cobra"
)

// defaultPolicy is the file that policy init writes unless told otherwise.
const defaultPolicy = "policy.yaml"

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Write, check and explain policies for gmptrace check",
		Long: `A policy is a YAML file of rules that traces are held to by 'gmptrace check'. Each
rule has a name and an expression (https://cel.dev) over the analysis that is true
where the rule holds.

Keys of a policy:
  version      1
  description  what it is about
  skip_if      expression: where it is true the trace is not fit, and no rule is
               applied to it
  rules        list of rules

Keys of a rule:
  name         letters, digits and . _ - /; the rule's id in every output
  description  what it is about
  expr         expression: true where the rule holds
  severity     error (the default) or warning
  message      said of a failure; {{expression}} stands for a value
  for          a list ('gmptrace policy list list'): the rule is applied to each item
               of it, which expressions call it
  where        expression: only to items for which it is true
  if_none      what becomes of the rule if there is no item, or nothing of a name that
               the rule wants, as task("x") and it.name == "x" do: skip, pass or fail.
               The default is fail for names, else skip, for findings pass
  if_undecided what becomes of a rule that holds although a check that it asks could
               not be decided: skip, pass or fail. The default is skip where the rule
               names the check, as findings_of("timers") does, or asks for what the
               trace does not tell, as machine.lost.quota may; else pass, as in most
               traces some check can't be decided: the result names those
  skip_if      as that of the policy, for this rule`,
		Example: `  gmptrace policy list`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return noCommand(cmd, args, "no command given: init, validate or list")
		},
	}
	cmd.AddCommand(a.policyInitCommand(), a.policyValidateCommand(), a.policyListCommand())
	return cmd
}

func (a *app) policyInitCommand() *cobra.Command {
	force, trace := false, ""
	an := newAnalysis(a)
	an.spans = true
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a policy to start from, with comments",
		Long: `Init writes a policy to start from, with comments, into FILE, or policy.yaml. A file
in its place is left alone, unless --force is given. - is standard output.

With --from-trace the policy holds what that trace can show: its requests and tasks
by name, scheduling latency, the collector's share, goroutines and findings, each with
the trace's own figure and some room above it. It passes on that trace.`,
		Example: `  gmptrace policy init
  gmptrace policy init --from-trace app.trace -
  gmptrace policy init -`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			name := defaultPolicy
			if len(args) > 0 {
				name = args[0]
			}
			text := policy.Starter
			if trace != "" {
				rep, err := an.load(cmd.Context(), trace)
				if err != nil {
					return err
				}
				text = policy.Draft(rep)
				an.concludeTrace(&rep.Trace)
			}
			return a.policyInit(cmd.Context(), name, text, force)
		},
	}
	cmd.Flags().StringVar(&trace, "from-trace", "", "hold to what `TRACE` shows, with some room")
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE")
	return cmd
}

func (a *app) policyInit(ctx context.Context, name string, text []byte, force bool) error {
	// A policy is changed by its owners: that gmptrace wrote it is no reason to
	// replace it.
	if _, err := os.Lstat(name); err == nil && !force && name != "-" {
		return fmt.Errorf("%s: exists: give another name, or --force to replace it", printableName(name))
	}
	out, err := createOutput(name, force, a.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	err = out.write(ctx, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(text))
		return err
	})
	if err == nil && out.path != "" {
		fmt.Fprintf(a.stderr, "gmptrace: %s: a policy to start from; then: gmptrace check TRACE --policy %[1]s\n", printableName(name))
	}
	return err
}

func (a *app) policyValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE...",
		Short: "Say whether policies are right, without a trace",
		Long: `Validate reads policies and checks every key and every expression. What is wrong
is said with file, line and column, and what may have been meant.`,
		Example: `  gmptrace policy validate policy.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no policy given")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			a.ran = true
			var broken []error
			for _, name := range args {
				p, err := loadPolicy(name)
				if err != nil {
					broken = append(broken, err)
					continue
				}
				rules := "rules"
				if p.Rules() == 1 {
					rules = "rule"
				}
				fmt.Fprintf(a.stdout, "%s: %d %s, all right\n", printableName(name), p.Rules(), rules)
			}
			return errors.Join(broken...)
		},
	}
}

func (a *app) policyListCommand() *cobra.Command {
	format := chosen(formatText, formatJSON)
	cmd := &cobra.Command{
		Use:   "list [WORD...]",
		Short: "List all that the rules of a policy can name, with types and units",
		Long: `List prints every variable and function of the expressions in a policy, with its
type, its unit and what it means. With words, only those in which all of them occur.

In a rule with 'for: functions', it.NAME is what is listed as functions[].NAME.
Quantiles are off by less than 0.8 % of their value. What is per second is per second
of what was analysed.
Expressions are in CEL (https://cel.dev): beside what is listed there are its
operators, size(), has(), and the macros all, exists, exists_one, filter and map of
lists.`,
		Example: `  gmptrace policy list
  gmptrace policy list functions wait
  gmptrace policy list --format json`,
		RunE: func(_ *cobra.Command, args []string) error {
			a.ran = true
			entries := listed(args)
			if format.value == formatJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(policyList{"gmptrace.policy-list/1", entries})
			}
			return listText(a.stdout, entries)
		},
	}
	cmd.Flags().Var(&format, "format", "`FORMAT` of the output: text or json")
	format.complete(cmd, "format")
	return cmd
}

// policyList is the JSON of policy list.
type policyList struct {
	Schema  string         `json:"schema"`
	Entries []policy.Entry `json:"entries"`
}

// listed are the entries in which all words occur.
func listed(words []string) []policy.Entry {
	out := []policy.Entry{}
	for _, e := range policy.List() {
		all := strings.ToLower(strings.Join([]string{e.Name, e.Type, e.Unit, e.Doc, strings.Join(e.Values, " ")}, " "))
		found := true
		for _, w := range words {
			found = found && strings.Contains(all, strings.ToLower(w))
		}
		if found {
			out = append(out, e)
		}
	}
	return out
}

func listText(w io.Writer, entries []policy.Entry) error {
	name, typ := 0, 0
	for _, e := range entries {
		name, typ = max(name, min(len(e.Name), 34)), max(typ, min(len(listType(e)), 20))
	}
	var b strings.Builder
	for _, e := range entries {
		if e.Kind == "object" || e.Kind == "list" {
			b.WriteString("\n")
		}
		doc := e.Doc
		if len(e.Values) > 0 {
			doc += " (" + strings.Join(e.Values, ", ") + ")"
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %s", name, e.Name, typ, listType(e), doc), " ") + "\n")
	}
	_, err := io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
	return err
}

// listType is a type with its unit, where that says more.
func listType(e policy.Entry) string {
	if e.Unit == "" || e.Unit == e.Type {
		return e.Type
	}
	return e.Type + ", " + e.Unit
}

// pathless is an error of the file system without the path, which messages have
// already.
func pathless(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
