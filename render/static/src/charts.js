// The charts beside the timeline: colours of the theme, functions and what must
// fit the width. Their data and axes come from render/page_charts.go.
import {init} from './echarts.js';
import {count, dur, pct, plural} from './format.js';
import {font, ink, luminance, read} from './theme.js';

const NARROW = 480; // too little for the full names of axes
const LINE = 15; // height of a label
const LABEL = 48; // width of a percentile's label, and a gap
const NAMED = 64; // right of an axis, what its name takes
const LATENCY_BESIDE = 80; // left and right of the histogram: render/page_charts.go
const STEALS_BESIDE = 94; // above and below the matrix: render/page_charts.go
const STATES_BESIDE = {above: 36, below: 46, left: 12, right: 24, pitch: 26}; // of bars of states, as render/page_charts.go has it
const NAMES_ABOVE = 600; // width below which bars have their names above them
const NAMED_BAR = {pitch: 40, bar: 14};
const LEGEND = {line: 24, mark: 40}; // height of a line, and what an entry takes beside its text

// hooks complete the option of the chart with that id.
const hooks = {latency, steals, functions, lives};

// draw draws every chart of options that has a hook and an element, and returns
// them.
export function draw(options) {
  const palette = read();
  return Object.entries(hooks).filter(([id]) => options[id] && document.getElementById(id)).map(([id, hook]) => {
    const root = document.getElementById(id);
    const option = structuredClone(options[id]);
    Object.assign(option, {textStyle: {fontFamily: font}, backgroundColor: 'transparent'});
    hook(option, palette, root.clientWidth, root.clientHeight, root);
    const chart = init(root, null, {renderer: 'canvas'});
    chart.setOption(option);
    return chart;
  });
}

function axis(o, palette) {
  o.axisLine = {lineStyle: {color: palette.line}};
  o.axisTick = {...o.axisTick, lineStyle: {color: palette.line}};
  o.axisLabel = {...o.axisLabel, color: palette.muted, hideOverlap: true};
  o.splitLine = {...o.splitLine, lineStyle: {color: palette.line}};
  o.nameTextStyle = {color: palette.muted};
}

function each(o, palette) {
  for (const a of [...o.xAxis, ...o.yAxis]) axis(a, palette);
  for (const g of o.grid) g.outerBoundsMode = 'none';
}

function tooltip(palette, more) {
  // Rich text, not HTML: names are the traced program's.
  return {renderMode: 'richText', backgroundColor: palette.card, borderColor: palette.line, textStyle: {color: palette.text}, confine: true, ...more};
}

function latency(o, palette, width) {
  each(o, palette);
  if (width < NARROW) o.xAxis[0].name = 'wait, from (lower bound)';
  o.yAxis[0].axisLabel.formatter = (v) => (v < 1 ? '' : count(v));
  o.tooltip = tooltip(palette, {trigger: 'axis', axisPointer: {type: 'shadow'}, valueFormatter: (v) => plural(v || 0, 'wait')});
  const [bars] = o.series;
  bars.itemStyle = {color: palette.kinds[0]};
  bars.barCategoryGap = '12%';
  const lines = bars.markLine ? bars.markLine.data : [];
  const x = (line) => (line.xAxis * (width - LATENCY_BESIDE)) / bars.data.length;
  let highest = 1; // level of a label that there is room for as it is
  lines.forEach((line, i) => { // a label that would touch the one before, or the axis' name, goes above it
    const level = i > 0 && x(line) - x(lines[i - 1]) < LABEL ? 1 - (lines[i - 1].label?.offset[1] ?? 0) / LINE : (x(line) < NAMED ? 2 : 0);
    if (level > 0) line.label = {offset: [0, -level * LINE]};
    highest = Math.max(highest, level);
  });
  o.grid[0].top = Number(o.grid[0].top) + (highest - 1) * LINE;
  bars.markLine = {
    symbol: 'none', silent: true, animation: false, lineStyle: {color: palette.critical, type: 'dashed'},
    label: {color: palette.text, formatter: (m) => m.name}, data: lines,
  };
}

function steals(o, palette, width, height) {
  each(o, palette);
  const n = o.xAxis[0].data.length;
  o.yAxis[0].axisLabel.interval = Math.max(0, Math.ceil((n * LINE) / (height - STEALS_BESIDE)) - 1);
  const most = o.visualMap[0].max = Math.sqrt(Math.max(1, o.visualMap[0].max));
  o.visualMap[0].dimension = 2;
  const [from, to] = [palette.card, palette.kinds[0]];
  // The scale says what the colours mean; the middle one is a quarter of the most.
  Object.assign(o.visualMap[0], {
    inRange: {color: [from, to]}, show: true, orient: 'horizontal', right: 16, top: 4, itemWidth: 12, itemHeight: Math.min(160, width / 3), calculable: false, hoverLink: false,
    text: [plural(Math.round(most * most), 'steal'), '0'], textStyle: {color: palette.muted}, borderColor: palette.line,
  });
  o.tooltip = tooltip(palette, {formatter: (p) => `${o.yAxis[0].data[p.value[1]]} stole ${count(p.value[3])} from ${o.xAxis[0].data[p.value[0]]}`});
  Object.assign(o.yAxis[0], {inverse: true, nameLocation: 'start'}); // P0 above, as in the timeline
  const [cells] = o.series;
  cells.data = (cells.data || []).map(({value: [victim, thief, n]}) => ({value: [victim, thief, Math.sqrt(n), n]})); // few must show beside many
  cells.progressive = 0; // painted at once
  cells.itemStyle = {borderColor: palette.back, borderWidth: n > 40 ? 0 : 1};
  const labelled = width / n >= 30;
  cells.label = {show: labelled, fontSize: 11, formatter: (p) => count(p.value[3])};
  if (labelled) for (const d of cells.data) d.label = {color: ink(mix(from, to, d.value[2] / most))};
}

// mix is the colour at a share of the way between two.
function mix(from, to, share) {
  return '#' + [1, 3, 5].map((i) => {
    const [a, b] = [from, to].map((c) => parseInt(c.slice(i, i + 2), 16));
    return Math.round(a + (b - a) * share).toString(16).padStart(2, '0');
  }).join('');
}

function functions(o, palette, width, height, root) {
  each(o, palette);
  if (width < NARROW) o.xAxis[0].name = o.xAxis[0].name.split(',')[0];
  o.xAxis[0].axisLabel.formatter = dur;
  Object.assign(o.legend, {left: 'center', width: width - STATES_BESIDE.left, textStyle: {color: palette.text}, type: 'plain'});
  const above = STATES_BESIDE.above + (legendLines(o.series.map((s) => s.name), width - STATES_BESIDE.left) - 1) * LEGEND.line;
  o.grid[0].top = above;
  o.series.forEach((s, i) => {
    s.itemStyle = {color: palette.states[i], decal: decal(i, palette.states[i])};
    s.barMaxWidth = 22;
  });
  names(o, palette, width);
  root.style.height = `${above + STATES_BESIDE.below + Math.max(2, o.series[0].data.length) * (width < NAMES_ABOVE ? NAMED_BAR.pitch : STATES_BESIDE.pitch)}px`;
  o.tooltip = tooltip(palette, {trigger: 'axis', axisPointer: {type: 'shadow'}, valueFormatter: dur});
}

// names stand beside the bars, or above them where that would leave too little for either.
function names(o, palette, width) {
  const label = o.yAxis[0].axisLabel;
  if (width >= NAMES_ABOVE) {
    const room = 300;
    o.grid[0].left = room + 10;
    Object.assign(label, {width: room, overflow: 'truncate', color: palette.text});
    return;
  }
  Object.assign(o.grid[0], {left: STATES_BESIDE.left});
  Object.assign(label, {inside: true, margin: 0, align: 'left', verticalAlign: 'bottom', padding: [0, 0, NAMED_BAR.bar / 2 + 3, 0], width: width - STATES_BESIDE.left - STATES_BESIDE.right, overflow: 'truncate', color: palette.text, hideOverlap: false});
  o.yAxis[0].axisTick = {show: false};
  for (const s of o.series) s.barMaxWidth = NAMED_BAR.bar;
}

// legendLines is how many lines a legend takes.
function legendLines(entries, width) {
  const c = document.createElement('canvas').getContext('2d');
  c.font = `12px ${font}`;
  let [n, used] = [1, 0];
  for (const text of entries) {
    const wide = c.measureText(text).width + LEGEND.mark;
    if (used > 0 && used + wide > width) [n, used] = [n + 1, 0];
    used += wide;
  }
  return n;
}

// lives has shares.
function lives(o, palette, width, height, root) {
  functions(o, palette, width, height, root);
  o.xAxis[0].axisLabel.formatter = pct;
  o.tooltip.valueFormatter = pct;
}

// decals are textures by state, so that they differ without colour. Only one may go without.
const lines = (rotation, on = 2, off = 5) => ({symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [on, off], rotation});
const dots = (size) => ({symbol: 'circle', symbolSize: size, dashArrayX: [[8, 8], [0, 8, 8, 0]], dashArrayY: [6, 0], rotation: 0});
const decals = [null, lines(-Math.PI / 4), dots(0.5), lines(Math.PI / 4), lines(0), lines(Math.PI / 2), dots(0.9), lines(Math.PI / 6, 1, 9)];

function decal(i, colour) {
  const dark = luminance(colour) < 0.179;
  return decals[i] ? {...decals[i], color: dark ? 'rgba(255,255,255,.3)' : 'rgba(0,0,0,.28)'} : undefined;
}
