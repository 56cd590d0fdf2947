package render

import (
	"fmt"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// lostWords are the reasons for which threads with a P had no CPU.
var lostWords = [report.NumCPULosses]string{
	report.LossQuota:      "the quota was used up",
	report.LossOthers:     "likely another process had it",
	report.LossOwn:        "likely the program's own threads",
	report.LossHypervisor: "the hypervisor took it",
	report.LossStopped:    "the process was stopped",
	report.LossKernel:     "in the kernel (page faults)",
}

// gomaxprocsSources are where GOMAXPROCS may come from.
var gomaxprocsSources = map[string]string{"env": "environment", "quota": "quota", "cpus": "CPUs", "set": "program"}

// machineRows are what the machine said: what it is, how much, and of what.
func machineRows(m *report.Machine) [][3]string {
	var rows [][3]string
	lost := m.Lost.Total()
	if m.Wanted > 0 {
		rows = append(rows, [3]string{"Ps ran goroutines", words.Length(m.Wanted), "in sum, while samples tell of their threads"})
	}
	switch {
	case m.Wanted == 0:
	case lost == 0:
		rows = append(rows, [3]string{"of that without a CPU", words.Length(0), ""})
	default:
		rows = append(rows, [3]string{"of that without a CPU", words.Length(lost), words.ShareOf(lost, m.Wanted)})
	}
	for why := range report.NumCPULosses {
		if ns := *m.Lost.At(why); ns > 0 {
			rows = append(rows, [3]string{"· " + lostWords[why], words.Length(ns), words.ShareOf(ns, m.Wanted)})
		}
	}
	if t := m.Throttled; t != nil && t.Over > 0 {
		rows = append(rows, [3]string{"throttled", words.Length(t.NS), fmt.Sprintf("in sum over CPUs, in %s of %s", words.Count(t.Over), words.Plural(t.Periods, "period"))})
	}
	if m.Asleep > 0 {
		rows = append(rows, [3]string{"the machine was suspended", words.Length(m.Asleep), "which the trace does not count"})
	}
	if m.QuotaCPUs > 0 {
		rows = append(rows, [3]string{"quota", fmt.Sprintf("%.4g CPUs", m.QuotaCPUs), "in periods of " + words.Length(m.Period)})
	}
	if m.Pressure > 0 {
		rows = append(rows, [3]string{"some CPU pressure", words.Share(m.Pressure), "of the time some thread of the machine was ready without a CPU"})
	}
	if m.CPUs > 0 {
		rows = append(rows, [3]string{"CPUs that the process may use", words.Count(m.CPUs), ""})
	}
	if from := gomaxprocsSources[m.GomaxprocsSource]; from != "" {
		rows = append(rows, [3]string{"GOMAXPROCS comes from", from, ""})
	}
	return rows
}

// machineSource is where that comes from, and what of it could not be used.
func machineSource(m *report.Machine) string {
	s := fmt.Sprintf("%s, %s apart", words.Plural(m.Samples, "sample"), words.Length(m.Every))
	if m.Source == "file" {
		s += ", from the file beside the trace"
	}
	for _, d := range m.Doubts {
		s += "; " + d
	}
	return s
}

// machineTitle is the heading of what it said.
const machineTitle = "What the machine said"

// said is what the machine said, nil where it was not asked. What was said in vain is told
// with why.
func said(r *report.Report) *report.Machine {
	if m := r.Machine; m != nil && (m.Wanted > 0 || len(m.Doubts) > 0) {
		return m
	}
	return nil
}

func textMachine(t *terminal, r *report.Report) {
	m := said(r)
	if m == nil {
		return
	}
	t.heading(machineTitle, machineSource(m))
	table := table{left: 3, align: "lrw"}
	for _, row := range machineRows(m) {
		table.add(row[0], row[1], row[2])
	}
	t.table(table)
}
