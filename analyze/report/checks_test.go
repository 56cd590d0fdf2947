package report

import (
	"errors"
	"slices"
	"testing"
)

func TestOfChecks(t *testing.T) {
	r := &Report{
		Findings: []Finding{{ID: "lock", Number: 1}, {ID: "gc", Number: 2}, {ID: "lock", Number: 3}},
		Checks:   []Check{{ID: "lock", Findings: 2}, {ID: "gc", Findings: 1}, {ID: "disk"}},
	}
	some, err := r.OfChecks([]string{"lock", "disk"})
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, f := range some.Findings {
		numbers = append(numbers, f.Number)
	}
	if !slices.Equal(numbers, []int{1, 3}) || len(some.Checks) != 2 || some.Checks[1].ID != "disk" {
		t.Errorf("findings %v, checks %v", numbers, some.Checks)
	}
	if len(r.Findings) != 3 || len(r.Checks) != 3 {
		t.Error("the report itself was changed")
	}
	var unknown *UnknownCheckError
	if _, err := r.OfChecks([]string{"gc", "moon"}); !errors.As(err, &unknown) || err.Error() != `no check is called "moon": need some of disk, gc, lock` {
		t.Errorf("error %v", err)
	}
	if _, err := new(Report).OfChecks([]string{"gc"}); err != nil {
		t.Errorf("without events: %v", err)
	}
}
