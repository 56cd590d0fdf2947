package stat

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestBins: bins cover every value from 0 on, in order and without a gap, and none is
// too wide.
func TestBins(t *testing.T) {
	next := int64(0)
	for bin := range NumBins {
		lo, hi, mid := Lo(bin), Hi(bin), Mid(bin)
		if lo != next || hi < lo || Bin(lo) != bin || Bin(hi) != bin || Bin(mid) != bin {
			t.Fatalf("bin %d is [%d, %d], around %d, and should begin at %d; they are in bins %d, %d and %d", bin, lo, hi, mid, next, Bin(lo), Bin(hi), Bin(mid))
		}
		if !near(mid, lo) || !near(mid, hi) {
			t.Errorf("bin %d: %d is too far from %d or %d", bin, mid, lo, hi)
		}
		if lo < 128 && hi != lo {
			t.Errorf("bin %d has more values than %d", bin, lo)
		}
		next = hi + 1
	}
	if next != math.MinInt64 {
		t.Errorf("the last bin ends before %d", next)
	}
}

// near reports whether a quantile is less than 1/128 of the true value off.
func near(got, want int64) bool {
	return got == want || max(got-want, want-got) <= (want-1)/128
}

func TestBin(t *testing.T) {
	for _, test := range []struct {
		v       int64
		bin     int
		lo, hi  int64
		central int64
	}{
		{-5, 0, 0, 0, 0},
		{0, 0, 0, 0, 0},
		{1, 1, 1, 1, 1},
		{63, 63, 63, 63, 63},
		{64, 64, 64, 64, 64},
		{127, 127, 127, 127, 127},
		{128, 128, 128, 129, 128},
		{129, 128, 128, 129, 128},
		{255, 191, 254, 255, 254},
		{256, 192, 256, 259, 257},
		{1_000_000, 954, 999_424, 1_007_615, 1_003_519},
		{math.MaxInt64, NumBins - 1, 127 << 56, math.MaxInt64, 127<<56 + 1<<55 - 1},
	} {
		b := Bin(test.v)
		if b != test.bin || Lo(b) != test.lo || Hi(b) != test.hi || Mid(b) != test.central {
			t.Errorf("%d is in bin %d: [%d, %d] around %d; want %v", test.v, b, Lo(b), Hi(b), Mid(b), test)
		}
	}
}

// distributions are values of several kinds.
func distributions(r *rand.Rand) map[string][]int64 {
	out := map[string][]int64{"none": nil, "one": {12345}, "two": {7, 1 << 50}, "extremes": {0, math.MaxInt64, math.MaxInt64}}
	for _, n := range []int{5, 31, 32, 33, 34, 1000, 20000} {
		for kind, next := range map[string]func() int64{
			"uniform":     func() int64 { return r.Int64N(1_000_000) },
			"exponential": func() int64 { return int64(r.ExpFloat64() * 50_000) },
			"log-normal":  func() int64 { return int64(math.Exp(r.NormFloat64()*3 + 10)) },
			"two peaks":   func() int64 { return []int64{900, 8_000_000}[r.IntN(2)] + r.Int64N(100) },
			"small":       func() int64 { return r.Int64N(20) },
			"constant":    func() int64 { return 777_777 },
			"anything":    func() int64 { return r.Int64() >> r.IntN(63) },
		} {
			values := make([]int64, n)
			for i := range values {
				values[i] = next()
			}
			out[fmt.Sprintf("%s %d", kind, n)] = values
		}
	}
	return out
}

func sketchOf(values []int64) *Sketch {
	s := &Sketch{}
	for _, v := range values {
		s.Add(v)
	}
	return s
}

// TestQuantile: quantiles are as exact as they say.
func TestQuantile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, values := range distributions(r) {
		s := sketchOf(values)
		slices.Sort(values)
		last := int64(0)
		for _, q := range []float64{math.NaN(), -1, 0, .001, .01, .1, .25, .5, .75, .9, .95, .99, .999, .9999, 1, 2} {
			got := s.Quantile(q)
			if len(values) == 0 {
				if got != 0 {
					t.Errorf("%s: %v is %d", name, q, got)
				}
				continue
			}
			rank := min(max(int(math.Ceil(max(q, 0)*float64(len(values)))), 1), len(values))
			if math.IsNaN(q) {
				rank = 1
			}
			want := values[rank-1]
			if !near(got, want) || (rank == 1 || rank == len(values)) && got != want || got < last {
				t.Errorf("%s: %v is %d, not %d; before %d", name, q, got, want, last)
			}
			last = got
		}
	}
}

// TestExact: what is exact, is.
func TestExact(t *testing.T) {
	s := sketchOf([]int64{5, 3, -1, 200, 300})
	if s.N() != 5 || s.Sum() != 508 || s.Min() != 0 || s.Max() != 300 {
		t.Errorf("%d values, sum %d, from %d to %d", s.N(), s.Sum(), s.Min(), s.Max())
	}
	s.Add(math.MaxInt64)
	if s.Sum() != math.MaxInt64 {
		t.Errorf("the sum is %d", s.Sum())
	}
	s.Add(1)
	if s.Sum() != math.MaxInt64 {
		t.Errorf("the sum is %d", s.Sum())
	}
}

// alike reports whether two sketches tell the same.
func alike(a, b *Sketch) bool {
	for q := 0.; q <= 1; q += 1. / 64 {
		if a.Quantile(q) != b.Quantile(q) {
			return false
		}
	}
	return a.N() == b.N() && a.Sum() == b.Sum() && a.Min() == b.Min() && a.Max() == b.Max() &&
		maps.Equal(maps.Collect(a.Bins()), maps.Collect(b.Bins())) && slices.Equal(a.Octaves(), b.Octaves()) && text(a) == text(b)
}

func text(s *Sketch) string {
	out, err := s.MarshalText()
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// TestMerge: a sketch depends on its values alone, not on how they came together.
func TestMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, values := range distributions(r) {
		whole := sketchOf(values)
		for range 5 {
			r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
			parts := make([]*Sketch, 1+r.IntN(6))
			for i := range parts {
				parts[i] = &Sketch{}
			}
			for _, v := range values {
				parts[r.IntN(len(parts))].Add(v)
			}
			before := text(parts[0])
			if got := Merged(parts); !alike(got, whole) {
				t.Errorf("%s: in %d parts it is\n%s\nnot\n%s", name, len(parts), text(got), text(whole))
			}
			if text(parts[0]) != before {
				t.Errorf("%s: merging changed a part", name)
			}
			for len(parts) > 1 { // pairs of neighbours, in a tree
				i := r.IntN(len(parts) - 1)
				parts[i].Merge(parts[i+1])
				parts = slices.Delete(parts, i+1, i+2)
			}
			if !alike(parts[0], whole) {
				t.Errorf("%s: in a tree it is\n%s\nnot\n%s", name, text(parts[0]), text(whole))
			}
		}
	}
}

// TestMergeSelf: merged with itself, a sketch has all twice, whatever form it has.
func TestMergeSelf(t *testing.T) {
	for _, n := range []int64{1, 16, 17, 33, 100} {
		var values []int64
		for v := range n {
			values = append(values, v*v*v)
		}
		s := sketchOf(values)
		s.Merge(s)
		if want := sketchOf(append(values, values...)); !alike(s, want) {
			t.Errorf("twice %d values are\n%s\nnot\n%s", n, text(s), text(want))
		}
	}
}

// TestMergeMany: counts stop somewhere, and stay sound.
func TestMergeMany(t *testing.T) {
	s, err := FromBins(maps.All(map[int]int64{3: mostRead}), 3*mostRead, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	for range 70 {
		s.Merge(s)
	}
	if s.Add(3); s.N() < most || s.Quantile(.5) != 3 || s.Sum() != math.MaxInt64 {
		t.Errorf("%d values, sum %d, median %d", s.N(), s.Sum(), s.Quantile(.5))
	}
	if _, err := s.MarshalText(); err == nil {
		t.Error("it could be written, but not read")
	}
}

func TestOctaves(t *testing.T) {
	for _, test := range []struct {
		values []int64
		want   []Octave
	}{
		{nil, nil},
		{[]int64{0}, []Octave{{0, 16, 1}}},
		{[]int64{15, 16, 31, 31}, []Octave{{0, 16, 1}, {16, 32, 3}}},
		{[]int64{100, 700}, []Octave{{64, 128, 1}, {128, 256, 0}, {256, 512, 0}, {512, 1024, 1}}},
		{[]int64{5, 40}, []Octave{{0, 16, 1}, {16, 32, 0}, {32, 64, 1}}},
		{[]int64{1<<62 - 1, 1 << 62, math.MaxInt64}, []Octave{{1 << 61, 1 << 62, 1}, {1 << 62, math.MaxInt64, 2}}},
	} {
		if got := sketchOf(test.values).Octaves(); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.values, got, test.want)
		}
	}
}

func TestCount(t *testing.T) {
	s := sketchOf([]int64{0, 1, 2, 3, 3, 7, 100, 5000})
	for _, test := range []struct{ lo, hi, want int64 }{{0, 1, 1}, {2, 4, 3}, {4, 7, 0}, {7, 100, 1}, {7, 101, 2}, {0, math.MaxInt64, 8}} {
		if got := s.Count(test.lo, test.hi); got != test.want {
			t.Errorf("in [%d, %d) are %d, not %d", test.lo, test.hi, got, test.want)
		}
	}
}

// TestText: a sketch that was written is read as it was.
func TestText(t *testing.T) {
	for name, values := range distributions(rand.New(rand.NewPCG(5, 6))) {
		s := sketchOf(values)
		data, err := json.Marshal(map[string]any{"by value": *s, "pointer": s})
		if err != nil {
			t.Fatal(err)
		}
		back := map[string]*Sketch{}
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, data)
		}
		if !alike(back["by value"], s) || !alike(back["pointer"], s) {
			t.Errorf("%s: it was read as\n%s\nnot\n%s", name, text(back["pointer"]), text(s))
		}
		again, err := FromBins(s.Bins(), s.Sum(), s.Min(), s.Max())
		if err != nil || !alike(again, s) {
			t.Errorf("%s: of bins: %v\n%s\nnot\n%s", name, err, text(again), text(s))
		}
	}
	if got, want := text(sketchOf([]int64{1001, 64, 65, 1000})), "sum=2130 min=64 max=1001 64 65 1000×2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestBadText: what no sketch says is refused.
func TestBadText(t *testing.T) {
	whole := text(sketchOf([]int64{64, 65, 1000, 1001}))
	for bad, why := range map[string]string{
		"x":                                     "is not sum=",
		"sum=1":                                 "without a value",
		"sum=1 min=x":                           "is not min=",
		"1 1 1 1":                               "is not sum=",
		"sum=9223372036854775808 min=1 max=1 1": "is not sum=",
		strings.Replace(whole, "min=64", "min=65", 1):                 "not those of the first and last bin",
		strings.Replace(whole, "max=1001", "max=1008", 1):             "not those of the first and last bin",
		strings.Replace(whole, "sum=2130", "sum=2100", 1):             "not that of the bins",
		strings.Replace(whole, "sum=2130", "sum=-2130", 1):            "not that of the bins",
		strings.Replace(whole, "1000×2", "1001×2", 1):                 "not the least value",
		strings.Replace(whole, "1000×2", "-1000×2", 1):                "not the least value",
		strings.Replace(whole, "1000×2", "1000×0", 1):                 "has 0 values",
		strings.Replace(whole, "1000×2", "1000×-1", 1):                "has -1 values",
		strings.Replace(whole, "1000×2", "1000×", 1):                  "not the least value",
		strings.Replace(whole, "1000×2", "1000×99999999999999999", 1): "has 99999999999999999 values",
		whole + " 5": "not those of the first and last bin",
		"sum=0 min=0 max=0 0×9007199254740992 0": "has 1 values",
		"sum=3 min=-3 max=3 3":                   "not those of the first and last bin",
	} {
		s := sketchOf([]int64{5})
		if err := s.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, not %q", bad, err, why)
		}
		if !alike(s, sketchOf([]int64{5})) {
			t.Errorf("%q: reading it changed the sketch", bad)
		}
	}
	for _, bin := range []int{-1, NumBins} {
		if _, err := FromBins(maps.All(map[int]int64{bin: 1}), 0, 0, 0); err == nil {
			t.Errorf("there is a bin %d", bin)
		}
	}
}

func FuzzUnmarshalJSON(f *testing.F) {
	for _, values := range distributions(rand.New(rand.NewPCG(7, 8))) {
		if len(values) < 100 {
			data, err := json.Marshal(sketchOf(values))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte(`"sum=0 min=0 max=0 0×9007199254740992"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &Sketch{}
		if json.Unmarshal(data, s) != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back := &Sketch{}
		if err := json.Unmarshal(out, back); err != nil || !alike(s, back) {
			t.Fatalf("%s was written as %s, which is another: %v", data, out, err)
		}
		if q := s.Quantile(.5); q < s.Min() || q > s.Max() {
			t.Fatalf("%s: the median is %d", data, q)
		}
		s.Merge(back)
		s.Add(1)
	})
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	values := make([]int64, 1<<12)
	for i := range values {
		values[i] = int64(math.Exp(r.NormFloat64()*2 + 9))
	}
	b.Run("one", func(b *testing.B) {
		s := &Sketch{}
		for i := 0; b.Loop(); i++ {
			s.Add(values[i%len(values)])
		}
	})
	b.Run("ten of each", func(b *testing.B) { // most functions have few
		b.ReportAllocs()
		s := &Sketch{}
		for i := 0; b.Loop(); i++ {
			if i%10 == 0 {
				s = &Sketch{}
			}
			s.Add(values[i%len(values)])
		}
	})
}

func BenchmarkQuantile(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	s := &Sketch{}
	for range 100_000 {
		s.Add(int64(math.Exp(r.NormFloat64()*2 + 9)))
	}
	for b.Loop() {
		s.Quantile(.99)
	}
}
