package render

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// The ids of charts are the ids of their elements; they are fixed because the
// library's own are random, and the same report must give the same bytes.
const (
	timelineID  = "timeline"
	latencyID   = "latency"
	stealsID    = "steals"
	functionsID = "functions"
	livesID     = "lives"
)

// option is a chart's option as JSON that is safe inside a script element:
// encoding/json escapes what could end it. The library's own output is not.
func option(c interface {
	Validate()
	JSON() map[string]any
}) (json.RawMessage, error) {
	c.Validate()
	obj := c.JSON()
	for _, unused := range []string{"title", "toolbox"} {
		delete(obj, unused)
	}
	raw, err := json.Marshal(obj)
	if err != nil {
		return nil, fmt.Errorf("writing a chart's options: %w", err)
	}
	return raw, nil
}

func setup(id string, grids ...opts.Grid) []charts.GlobalOpts {
	return []charts.GlobalOpts{
		charts.WithInitializationOpts(opts.Initialization{ChartID: id}),
		charts.WithAnimation(false),
		charts.WithGridOpts(grids...),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(false)}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}),
	}
}

// The timeline's layout, in pixels.
const (
	rowsTop     = 44 // time labels and the lane of GC phases
	depthHeight = 72
	depthGap    = 36
	sliderRoom  = 52
)

// rowsHeight is the height of n rows: 30 pixels each while there are few, at
// least 5 up to 128, thinner beyond.
func rowsHeight(n int) int {
	const most, least, limit = 30, 5, 640
	if n == 0 {
		return most
	}
	pitch := max(least, min(most, 480/n))
	return max(2*most, min(limit, pitch*n))
}

func timelineHeight(n int) int {
	return rowsTop + rowsHeight(n) + depthGap + depthHeight + sliderRoom
}

// timelineChart has two grids over one time axis: the rows of Ps and the number
// of runnable goroutines. Each holds one custom item that the page's script
// paints; see static/src/timeline.js.
func timelineChart(r *report.Report) *charts.Custom {
	from, to := bounds(r)
	n := len(rows(r))
	height := rowsHeight(n)
	c := charts.NewCustom()
	c.SetGlobalOptions(append(setup(timelineID,
		opts.Grid{Left: "56", Right: "16", Top: words.Count(rowsTop), Height: words.Count(height)},
		opts.Grid{Left: "56", Right: "16", Top: words.Count(rowsTop + height + depthGap), Height: words.Count(depthHeight)}),
		charts.WithXAxisOpts(hiddenAxis(from, to, 0)),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Min: 0, Max: max(1, n), Show: opts.Bool(false)}),
		charts.WithDataZoomOpts(
			opts.DataZoom{Type: "inside", XAxisIndex: []int{0, 1}, FilterMode: "none"},
			opts.DataZoom{Type: "slider", XAxisIndex: []int{0, 1}, FilterMode: "none"}),
	)...)
	c.ExtendXAxis(hiddenAxis(from, to, 1))
	c.ExtendYAxis(opts.YAxis{Type: "value", Name: "runnable goroutines", Min: 0, Max: depthTop(r), GridIndex: 1, SplitNumber: 2, MinInterval: 1})
	painted := func(id string, axis int, y int64) {
		c.AddSeries(id, []opts.CustomData{{Value: []int64{from, y}}}, charts.WithSeriesOpts(func(s *charts.SingleSeries) {
			s.Id, s.XAxisIndex, s.YAxisIndex = id, axis, axis
		}))
	}
	painted("rows", 0, 0)
	painted("depth", 1, 0)
	return c
}

func hiddenAxis(from, to int64, grid int) opts.XAxis {
	return opts.XAxis{Type: "value", Min: from, Max: to, GridIndex: grid, Show: opts.Bool(false)}
}

// depthTop is the top of the depth's axis: 1, 2 or 4 times a power of ten, so
// that half of it is a round number too.
func depthTop(r *report.Report) int {
	peak := max(1, r.Key.QueuePeak)
	for _, d := range depthPoints(r) {
		peak = max(peak, d.N)
	}
	for top := 1; ; top *= 10 {
		for _, step := range []int{1, 2, 4} {
			if top*step >= peak {
				return top * step
			}
		}
	}
}

// latencyChart counts waits per bucket, both axes logarithmic, with the
// percentiles marked.
func latencyChart(r *report.Report) *charts.Bar {
	buckets := r.Latency.Buckets
	labels := make([]string, len(buckets))
	data := make([]opts.BarData, len(buckets))
	for i, b := range buckets {
		labels[i] = words.Length(b.Lo)
		if b.Count > 0 {
			data[i].Value = b.Count
		}
	}
	bar := charts.NewBar()
	bar.SetGlobalOptions(append(setup(latencyID, opts.Grid{Left: "64", Right: "16", Top: "36", Bottom: "58"}),
		charts.WithXAxisOpts(opts.XAxis{Name: "wait from ready to execute (lower bound of the bucket)", NameLocation: "middle", NameGap: 36}),
		charts.WithYAxisOpts(opts.YAxis{Type: "log", Name: "waits (log scale)", Min: 0.5}))...)
	bar.SetXAxis(labels).AddSeries("waits", data, charts.WithMarkLineNameXAxisItemOpts(percentileLines(r)...))
	return bar
}

// percentileLines mark the buckets that hold the percentiles. One that shares
// its bucket with the one before is left out: the labels would overlap.
func percentileLines(r *report.Report) []opts.MarkLineNameXAxisItem {
	var lines []opts.MarkLineNameXAxisItem
	last := -1
	for _, p := range []struct {
		name string
		at   int64
		of   int64 // waits at least
	}{{"p50", r.Latency.P50, 1}, {"p99", r.Latency.P99, 100}, {"p99.9", r.Latency.P999, 1000}} {
		i := bucketOf(r.Latency.Buckets, p.at)
		if i < 0 || i == last || p.of > waits(r) {
			continue
		}
		lines = append(lines, opts.MarkLineNameXAxisItem{Name: p.name, XAxis: i})
		last = i
	}
	return lines
}

func bucketOf(buckets []report.Bucket, at int64) int {
	for i, b := range buckets {
		if b.Lo <= at && at < b.Hi {
			return i
		}
	}
	return -1
}

// stealsChart shows who stole from whom.
func stealsChart(r *report.Report) *charts.HeatMap {
	m := r.Dispatches.Steals
	labels := make([]string, len(m.Procs))
	for i, p := range m.Procs {
		labels[i] = fmt.Sprintf("P%d", p)
	}
	var data []opts.HeatMapData
	most := int64(1)
	for thief, row := range m.Count {
		for victim, n := range row {
			if n > 0 {
				data = append(data, opts.HeatMapData{Value: [3]int64{int64(victim), int64(thief), n}})
				most = max(most, n)
			}
		}
	}
	heat := charts.NewHeatMap()
	heat.SetGlobalOptions(append(setup(stealsID, opts.Grid{Left: "58", Right: "16", Top: "36", Bottom: "58"}),
		charts.WithXAxisOpts(opts.XAxis{Type: "category", Data: labels, Name: "victim (stolen from)", NameLocation: "middle", NameGap: 30}),
		charts.WithYAxisOpts(opts.YAxis{Type: "category", Data: labels, Name: "thief"}),
		charts.WithVisualMapOpts(opts.VisualMap{Type: "continuous", Min: 0, Max: float32(most), Show: opts.Bool(false)}))...)
	heat.SetXAxis(labels).AddSeries("steals", data)
	return heat
}

// barFunctions is how many functions the chart of time by function shows.
const barFunctions = 12

// functionsChart stacks the time of the top functions on or for a P. Time
// blocked would dwarf it, and has a chart of shares of its own: livesChart.
func functionsChart(r *report.Report) *charts.Bar {
	return stacked(r, functionsID, opts.XAxis{Name: "time on or for a P, summed over goroutines"}, states[:onP],
		func(f report.FunctionTime, state int) any { return stateTimes(f)[state] })
}

// livesChart splits the lives of the same goroutines into all states, time
// blocked included, as shares.
func livesChart(r *report.Report) *charts.Bar {
	return stacked(r, livesID, opts.XAxis{Name: "share of the goroutines' lives", Max: 1}, states,
		func(f report.FunctionTime, state int) any {
			return finite(float64(stateTimes(f)[state]) / float64(f.Total))
		})
}

// stacked is a chart of one bar per top function, a series per state.
func stacked(r *report.Report, id string, x opts.XAxis, states []string, value func(report.FunctionTime, int) any) *charts.Bar {
	top := busiest(r)
	top = top[:min(len(top), barFunctions)]
	labels := make([]string, len(top))
	for i, f := range top {
		labels[i] = functionLabel(f)
	}
	x.Type, x.NameLocation, x.NameGap = "value", "middle", 28
	bar := charts.NewBar()
	bar.SetGlobalOptions(append(setup(id, opts.Grid{Right: "24", Top: "36", Bottom: "46"}),
		charts.WithXAxisOpts(x),
		charts.WithYAxisOpts(opts.YAxis{Type: "category", Inverse: opts.Bool(true)}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(true), Top: "0"}))...)
	bar.SetXAxis(labels).XYReversal()
	for i, state := range states {
		data := make([]opts.BarData, len(top))
		for j, f := range top {
			data[j].Value = value(f, i)
		}
		bar.AddSeries(state, data, charts.WithBarChartOpts(opts.BarChart{Stack: "time"}))
	}
	return bar
}

func functionsHeight(n int) int {
	return 36 + 46 + 26*max(2, min(n, barFunctions))
}

// functionLabel names a group of goroutines with how many there were, short
// enough for the axis of a chart.
func functionLabel(f report.FunctionTime) string {
	return fmt.Sprintf("%s ×%s", shorten(words.Function(f.Name), 38), words.Count(f.Goroutines))
}

// finite is v, or 0 where a share could not be computed: JSON has no NaN.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
