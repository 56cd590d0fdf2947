// The timeline: go-echarts' axes, zoom and linked grids around two painted
// images, and what the user can do with them.
import {init} from './echarts.js';
import * as detail from './detail.js';
import {count, dur, offset} from './format.js';
import * as paint from './paint.js';
import {at} from './scan.js';
import * as span from './span.js';
import {font, ink, read} from './theme.js';

const GUTTER = {wide: 56, narrow: 36}; // room for the rows' names
const NARROW = 600;

export class Timeline {
  // trace is what decode.parse returns, meta and option what the page carries.
  constructor(root, option, meta, trace) {
    Object.assign(this, {root, option, meta});
    this.bounds = [meta.from, meta.to];
    this.view = newView(meta, trace);
    this.listeners = [];
    this.finding = -1;
    this.canvases = [document.createElement('canvas'), document.createElement('canvas')];
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.draw();
    root.append(this.tip);
    root.addEventListener('keydown', (e) => this.key(e));
  }

  // onChange calls f after the window, the row or the chosen slice changed.
  onChange(f) {
    this.listeners.push(f);
  }

  changed() {
    for (const f of this.listeners) f(this);
  }

  // draw builds the chart anew: at first, and when the theme changes.
  draw() {
    const {view} = this;
    view.palette = read();
    view.patterns = paint.patterns(view.palette);
    if (this.chart) this.chart.dispose();
    this.chart = init(this.root, null, {renderer: 'canvas'});
    this.chart.setOption(this.completed(structuredClone(this.option)));
    const zr = this.chart.getZr();
    zr.on('mousemove', (e) => this.hover(e.offsetX, e.offsetY));
    zr.on('click', (e) => this.choose(e.offsetX, e.offsetY));
    zr.on('globalout', () => { this.tip.hidden = true; });
    this.chart.on('datazoom', () => this.changed());
    this.show(view.window, view.row);
  }

  // completed adds to the option what only a script can say: functions and the
  // colours of the theme.
  completed(o) {
    const {palette} = this.view;
    o.textStyle = {fontFamily: font};
    const left = this.root.clientWidth < NARROW ? GUTTER.narrow : GUTTER.wide;
    for (const grid of o.grid) Object.assign(grid, {left, outerBoundsMode: 'none'});
    o.yAxis[1].axisLabel = {color: palette.muted, hideOverlap: true, formatter: count};
    o.yAxis[1].nameTextStyle = {color: palette.muted, align: 'left'};
    o.yAxis[1].splitLine = {lineStyle: {color: palette.line}};
    const [inside, slider] = o.dataZoom;
    const drag = !matchMedia('(pointer: coarse)').matches; // a finger must be able to scroll the page
    Object.assign(inside, {throttle: 0, zoomOnMouseWheel: 'ctrl', minValueSpan: span.MIN, moveOnMouseMove: drag, preventDefaultMouseMove: drag});
    Object.assign(slider, sliderStyle(palette), {left, throttle: 0, minValueSpan: span.MIN, labelFormatter: (v) => offset(v, this.bounds[1] - this.bounds[0])});
    for (const s of o.series) s.silent = true;
    o.series[0].renderItem = (params, api) => this.renderRows(params.coordSys, api);
    o.series[1].renderItem = (params, api) => this.renderDepth(params.coordSys, api);
    return o;
  }

  // renderRows is called by the chart whenever the window changes. The window
  // is taken from the axis: the chart's own events come after the drawing.
  renderRows(grid, api) {
    this.view.window = visible(grid, api, this.bounds);
    this.box = {x: grid.x, y: grid.y, width: grid.width, height: grid.height};
    const height = grid.y + grid.height + 1;
    const c = paint.surface(this.canvases[0], this.chart.getWidth(), height);
    paint.rows(c, this.box, this.view);
    return image(this.canvases[0], 0, this.chart.getWidth(), height);
  }

  renderDepth(grid, api) {
    const c = paint.surface(this.canvases[1], this.chart.getWidth(), grid.height + 2);
    const y = (n) => api.coord([this.bounds[0], n])[1] - grid.y + 1;
    paint.depth(c, {x: grid.x, y: 1, width: grid.width, height: grid.height}, this.view, y);
    return image(this.canvases[1], grid.y - 1, this.chart.getWidth(), grid.height + 2);
  }

  // show moves to a window. row is an index in view.rows, or -1.
  show(window, row = this.view.row) {
    this.view.row = row;
    const [startValue, endValue] = span.fit(window, this.bounds);
    this.chart.dispatchAction({type: 'dataZoom', dataZoomIndex: 0, startValue, endValue});
    this.chart.getZr().flush();
    this.changed();
  }

  // repaint draws the same window again, after a choice or a filter changed.
  repaint() {
    this.show(this.view.window);
  }

  // nextFinding goes to the next finding's moment.
  nextFinding(step = 1) {
    const n = this.meta.findings.length;
    if (n === 0) return;
    this.finding = (this.finding + step + n) % n;
    const f = this.meta.findings[this.finding];
    this.show([f.start, f.end], this.view.rowOf(f.p));
  }

  key(e) {
    const act = keys[e.key];
    if (!act || e.ctrlKey || e.metaKey || e.altKey) return;
    act(this);
    e.preventDefault();
  }

  // place is the row and instant at a point of the chart; null beside the rows.
  place(x, y) {
    const {box, view} = this;
    if (!box || view.rows.length === 0 || x < box.x || x > box.x + box.width || y < box.y || y >= box.y + box.height) return null;
    const row = Math.floor(((y - box.y) / box.height) * view.rows.length);
    return {row, instant: view.window[0] + ((x - box.x) / box.width) * (view.window[1] - view.window[0])};
  }

  hover(x, y) {
    const place = this.place(x, y);
    this.tip.hidden = !place;
    if (!place) return;
    const {title, lines} = detail.describe(this.view, this.meta, place.row, place.instant);
    this.tip.textContent = [title, ...lines].join('\n');
    const room = this.chart.getWidth() - this.tip.offsetWidth - 4;
    this.tip.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
    this.tip.style.top = `${y + 14}px`;
  }

  choose(x, y) {
    const place = this.place(x, y);
    if (!place) return;
    const what = detail.describe(this.view, this.meta, place.row, place.instant);
    this.view.row = place.row;
    this.pick(what);
  }

  // pick makes a slice the chosen one and shows it.
  pick(what) {
    this.view.chosen = what.range || null;
    this.detail = what;
    this.repaint();
  }

  // step chooses the next or the previous slice of the row.
  step(by) {
    const {view} = this;
    if (view.row < 0) view.row = 0;
    const track = view.rows[view.row]?.track;
    if (!track || track.n === 0) return;
    const i = Math.max(0, Math.min(track.n - 1, this.near(track) + by));
    const what = detail.slice(view, this.meta, view.row, i);
    const [start, end] = view.window;
    if (what.range.start < start || what.range.end > end) {
      const middle = (what.range.start + what.range.end) / 2;
      view.window = [middle - (end - start) / 2, middle + (end - start) / 2];
    }
    this.pick(what);
  }

  // near is the index of the slice that stepping starts from.
  near(track) {
    const {chosen, row, window} = this.view;
    if (chosen && chosen.row === row) return chosen.i;
    const middle = (window[0] + window[1]) / 2;
    const i = at(track, middle);
    return i >= 0 ? i : span.firstEndingAfter(track.end, middle) - 1;
  }

  // moveRow chooses the row above or below.
  moveRow(by) {
    const n = this.view.rows.length;
    if (n === 0) return;
    this.view.row = this.view.row < 0 ? 0 : Math.max(0, Math.min(n - 1, this.view.row + by));
    this.repaint();
  }

  toggle(kind, on) {
    this.view.shown[kind] = on;
    this.repaint();
  }

  resize() {
    this.chart.resize();
    this.show(this.view.window);
  }

  hash() {
    const {window, rows, row} = this.view;
    return span.toHash(window, row < 0 ? null : rows[row].p);
  }

  status() {
    const [start, end] = this.view.window;
    return `${offset(start, end - start)} to ${offset(end, end - start)} (${dur(end - start)})`;
  }
}

const keys = {
  ArrowLeft: (t) => t.show(span.pan(t.view.window, -0.2)),
  ArrowRight: (t) => t.show(span.pan(t.view.window, 0.2)),
  ArrowUp: (t) => t.moveRow(-1),
  ArrowDown: (t) => t.moveRow(1),
  '+': (t) => t.show(span.zoom(t.view.window, 0.5)),
  '=': (t) => t.show(span.zoom(t.view.window, 0.5)),
  '-': (t) => t.show(span.zoom(t.view.window, 2)),
  0: (t) => t.show(t.bounds, -1),
  n: (t) => t.nextFinding(1),
  N: (t) => t.nextFinding(-1),
  ',': (t) => t.step(-1),
  '.': (t) => t.step(1),
};

// newView is all that the painters need, and the state that the user changes.
function newView(meta, trace) {
  const tracks = new Map(trace.tracks.map((t) => [t.p, t]));
  const tiles = new Map(trace.tiles.map((t) => [t.p, t]));
  const index = new Map(meta.rows.map((p, i) => [p, i]));
  const view = {
    window: [meta.from, meta.to], row: -1, chosen: null, shown: meta.marks.map(() => false),
    rows: meta.rows.map((p) => ({p, track: tracks.get(p), tiles: tiles.get(p)})),
    kept: meta.kept, tileWidth: meta.tileWidth, who: trace.who, marks: trace.marks, depth: trace.depth,
    ranges: meta.ranges.map(([start, end, stw, cause]) => ({start, end, stw: stw === 1, cause: meta.causes[cause]})),
  };
  view.rowOf = (p) => index.get(p) ?? -1;
  view.keeps = (t) => view.kept.some(([from, to]) => t >= from && t < to);
  view.firstMark = (t) => Math.max(0, span.firstEndingAfter(trace.marks.at, t - 1));
  view.firstDepth = (t) => span.firstEndingAfter(trace.depth.at, t);
  view.label = (who, kind) => {
    const name = meta.names[trace.who.name[who]];
    const g = trace.who.g[who];
    return g < 0 ? meta.kinds[kind] : name && name[0] ? name[0] : `G${g}`;
  };
  return view;
}

// visible is the window that the chart's axis shows now.
function visible(grid, api, [from, to]) {
  const left = api.coord([from, 0])[0];
  const right = api.coord([to, 0])[0];
  const perPixel = (to - from) / (right - left);
  const start = from + (grid.x - left) * perPixel;
  return [start, start + grid.width * perPixel];
}

function image(canvas, y, width, height) {
  return {type: 'image', style: {image: canvas, x: 0, y, width, height}};
}

function sliderStyle(palette) {
  return {
    bottom: 8, height: 22, textStyle: {color: palette.muted}, borderColor: palette.line, showDataShadow: false, brushSelect: false,
    fillerColor: `${palette.accent}33`, handleStyle: {color: palette.card, borderColor: palette.accent},
    moveHandleStyle: {color: palette.accent, opacity: 0.5}, backgroundColor: palette.card,
    emphasis: {handleLabel: {show: true}, handleStyle: {color: ink(palette.accent), borderColor: palette.accent}},
  };
}
