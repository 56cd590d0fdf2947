package rules

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/model"
)

// TestProseHasTheConstants: the lengths that the prose spells are those of the runtime
// that the model knows, and by which the rules are judged.
func TestProseHasTheConstants(t *testing.T) {
	slice, least, most := round(model.TimeSlice), round(model.SysmonLeast), round(model.SysmonMost)
	judged := strings.TrimSuffix(slice, " ms") + " to " + round(sliceMost)
	for _, test := range []struct {
		where, text string
		lengths     []string
	}{
		{"time-slice: title", ruleProses[rulePreempt].title, []string{"after " + slice}},
		{"time-slice: statement", ruleProses[rulePreempt].statement, []string{"schedtick for " + slice, "every " + most, "after " + judged}},
		{"time-slice: evidence", ruleProses[rulePreempt].evidence, []string{"after " + judged}},
		{"handoff: statement", ruleProses[ruleHandoff].statement, []string{"than " + least, "after " + round(model.RetakeIdle), "up to " + most}},
		{"handoff: parts", strings.Join(ruleProses[ruleHandoff].parts, ", "), []string{"later than " + round(retakeMost)}},
		{"time-slice: parts", strings.Join(ruleProses[rulePreempt].parts, ", "), []string{"more than " + slice, "longer than " + round(sliceMost)}},
		{"netpoll: statement", ruleProses[ruleNetpoll].statement, []string{"nobody has for " + round(model.PollLate)}},
	} {
		for _, length := range test.lengths {
			if !strings.Contains(test.text, length) {
				t.Errorf("%s does not say %q: %s", test.where, length, test.text)
			}
		}
	}
}

// round spells a length as prose does that measures nothing: "10 ms", "20 µs".
func round(ns int) string {
	if ns < 1_000_000 {
		return fmt.Sprintf("%d µs", ns/1000)
	}
	return fmt.Sprintf("%d ms", ns/1_000_000)
}
