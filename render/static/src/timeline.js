// The timeline: go-echarts' axes, zoom and linked grids around two painted
// images, and what the user can do with them.
import {dispose, init} from './echarts.js';
import * as cpus from './cpus.js';
import * as detail from './detail.js';
import {button, el} from './dom.js';
import {count, dur, offset} from './format.js';
import * as functions from './functions.js';
import {keys} from './keys.js';
import {label} from './label.js';
import * as overTime from './lanes.js';
import * as paint from './paint.js';
import {at} from './scan.js';
import * as rows from './rows.js';
import * as search from './search.js';
import * as span from './span.js';
import {font, ink, read} from './theme.js';
import * as wake from './wake.js';

const GUTTER = {wide: 56, narrow: 36, letter: 7.6, beside: 14, lane: 7}; // room for the rows' names; lane: letters of a lane's where it is narrow
const NARROW = 600;
export const MOST_THREADS = 32; // that get rows
const MOST_PINS = 16;
const MOST_MARKS = 16;

export class Timeline {
  // trace is what decode.parse returns, meta and option what the page carries.
  constructor(root, option, meta, trace) {
    Object.assign(this, {root, option, meta});
    this.bounds = [meta.from, meta.to];
    this.trace = trace;
    this.view = newView(meta, trace);
    this.pins = []; // goroutines with a row of their own
    this.first = -1; // the P that stands before all others
    this.pointer = null; // the instant that it is at
    this.threads = false; // whether threads have rows
    this.threadsAtFirst = false; // and had them without being asked
    this.height = root.clientHeight;
    this.tall = Number(option.grid[0].height);
    this.listeners = [];
    this.fields = null; // of the search, as an address has them: see span.toHash
    this.selected = null; // {from, to, rows}, the first and the last of which or null for all: see select.js
    this.finding = -1;
    this.canvases = [document.createElement('canvas'), document.createElement('canvas')];
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.caption = el('p', {className: 'moment', role: 'status', hidden: true});
    this.legend = el('p', {className: 'controls legend ran'});
    root.before(this.caption, this.legend);
    this.explain();
    this.settle();
    this.draw();
    root.append(this.tip);
    root.addEventListener('keydown', (e) => this.key(e));
  }

  // explain fills the legends: whose colours these are, and what the rows with lanes show.
  explain() {
    functions.legend(this.legend, this.view.functions, overTime.leftOut(this.view.lanes));
    document.getElementById('legend-lanes')?.replaceChildren(...overTime.legend(this.view.lanes));
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
    const {window} = view; // painting takes it from the axis, which begins with all
    view.palette = read();
    view.patterns = paint.patterns(view.palette);
    if (this.chart) dispose(this.chart);
    this.chart = init(this.root, null, {renderer: 'canvas'});
    this.root.style.height = `${this.height + this.more()}px`;
    this.chart.resize();
    this.chart.setOption(this.completed(structuredClone(this.option)));
    const zr = this.chart.getZr();
    zr.on('mousemove', (e) => this.hover(e.offsetX, e.offsetY));
    zr.on('click', (e) => this.choose(e.offsetX, e.offsetY));
    zr.on('globalout', () => {
      this.tip.hidden = true;
      this.pointer = null;
    });
    this.chart.on('datazoom', () => this.changed());
    this.show(window, view.row);
  }

  // more is what the rows take beyond those of Ps.
  more() {
    return Math.round(this.view.height) - this.tall;
  }

  // settle gives rows their places.
  settle() {
    paint.layout(this.view, this.tall / Math.max(1, this.meta.rows.length));
  }

  // completed adds to the option what only a script can say: functions and the
  // colours of the theme.
  completed(o) {
    const {palette} = this.view;
    o.textStyle = {fontFamily: font};
    const narrow = this.root.clientWidth < NARROW;
    const longest = Math.max(count(o.yAxis[1].max).length, ...this.view.rows.map((row) => Math.min(row.label.length, narrow && row.lane ? GUTTER.lane : Infinity)));
    const left = Math.max(narrow ? GUTTER.narrow : GUTTER.wide, Math.ceil(longest * GUTTER.letter + GUTTER.beside));
    o.grid[0].height = this.tall + this.more();
    o.grid[1].top = Number(o.grid[1].top) + this.more();
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
    this.finding = this.finding < 0 && step < 0 ? n - 1 : (this.finding + step + n) % n;
    const f = this.meta.findings[this.finding];
    this.restore({window: [f.start, f.end], row: f.p < 0 ? null : `P${f.p}`, pins: f.g > 0 ? [f.g] : null, threads: null, at: null, marks: null, selected: this.selected});
  }

  // tell says above the rows which finding a moment is of, and who stands first for it.
  tell({window: [start, end], row, pins}) {
    const m = this.meta.moments.find((x) => x.start === start && x.end === end && (x.p < 0 ? row === null : row === `P${x.p}`) && (x.g <= 0 || pins?.includes(x.g)));
    this.caption.hidden = !m;
    if (!m) return;
    const first = [...(this.first >= 0 ? [`P${this.first}`] : []), ...(m.g > 0 ? [`G${m.g}`] : [])].join(' and ');
    this.caption.replaceChildren(
      el('strong', null, `Finding ${m.number} of ${this.meta.found}: ${m.title}`),
      ...(m.text ? [` · ${m.text}`] : []), ...(first ? [` · ${first} ${m.g > 0 && this.first >= 0 ? 'stand' : 'stands'} first`] : []),
      ' · ', el('a', {href: `#f${m.number}`}, 'why, and what to do'), ' ', button('×', () => this.forget(), {'aria-label': 'Close: rows back to their places'}));
  }

  // forget puts the rows back to where they are without a moment.
  forget() {
    this.first = -1;
    this.caption.hidden = true;
    this.arrange();
    this.root.focus({preventScroll: true});
  }

  // reveal scrolls to the rows, and to what is said above them.
  reveal() {
    (this.caption.hidden ? this.legend : this.caption).scrollIntoView();
    this.root.focus({preventScroll: true});
  }

  // replace takes another timeline of the same trace, with other windows in full
  // detail. What is chosen stays so where it is still there.
  replace(meta, trace) {
    const {window, row, shown, flags} = this.view;
    const chosen = this.detail?.slice;
    const id = this.view.rows[row]?.id;
    this.trace = trace;
    this.meta = meta;
    this.view = Object.assign(newView(meta, trace, this.view.functions), {window, shown, flags});
    this.explain();
    this.detail = null;
    this.arrange();
    this.view.row = id ? this.view.rowById(id) : -1;
    if (chosen) this.choosing(again(this.view, meta, chosen));
    if (this.query) this.search(this.query);
    else this.repaint();
  }

  // arrange gives rows to the goroutines and threads that should have one, puts first
  // who is named, and keeps the chosen row and slice where they still exist.
  arrange() {
    const {view} = this;
    const row = view.rows[view.row]?.id;
    const chosen = this.detail?.slice;
    const named = view.ps.filter(({p}) => p === this.first);
    const front = [...named, ...this.pins.map((g) => ({id: `G${g}`, label: `G${g}`, p: -1, g, m: -1, track: rows.goroutine(view, g)}))];
    const threads = this.threads ? rows.threads(view, this.trace.calls, MOST_THREADS) : [];
    const below = threads.map(({m, track}) => ({id: `M${this.trace.threads[m]}`, label: `M${this.trace.threads[m]}`, p: -1, g: -1, m, track}));
    view.rows = [...front, ...view.ps.filter(({p}) => p !== this.first), ...view.lanes, ...below];
    [view.front, view.procs] = [front.length, view.ps.length - named.length];
    this.settle();
    this.masked();
    view.row = row ? view.rowById(row) : -1;
    if (chosen) this.choosing(detail.slice(view, this.meta, view.rowOf(chosen.track.p), chosen.i));
    this.draw();
  }

  // masked tells the rows which of their slices the search found.
  masked() {
    const {view} = this;
    for (const row of view.rows) row.mask = view.masks && row.track ? search.maskOf(view.masks, row.track) : null;
  }

  togglePin(g) {
    if (g < 0) return;
    if (this.pins.includes(g)) this.pins = this.pins.filter((x) => x !== g);
    else this.pins = [...this.pins.slice(-(MOST_PINS - 1)), g];
    this.arrange();
  }

  // restore is what an address says: rows, of which those that it names come first, and
  // then the moment.
  restore(moment) {
    const {window, row, pins, threads, at: chosen, marks, selected} = moment;
    const first = /^P\d+$/.test(row ?? '') ? Number(row.slice(1)) : -1;
    const same = first === this.first && (pins === null || String(pins) === String(this.pins)) && (threads === null || threads === this.threads);
    this.first = first;
    this.view.flags = marks ?? this.view.flags;
    if (selected) [selected.from, selected.to] = span.fit([selected.from, selected.to], this.bounds);
    this.selected = selected;
    if (!same) {
      this.pins = pins === null ? this.pins : [...new Set(pins)].slice(0, MOST_PINS);
      this.threads = threads ?? this.threads;
      this.arrange();
    }
    this.tell(moment);
    this.show(window, row === null ? -1 : this.view.rowById(row));
    if (chosen !== null) this.chooseAt(chosen);
  }

  // chooseAt chooses what an instant is part of in the chosen row.
  chooseAt(instant) {
    const {view} = this;
    const track = trackOf(view.rows[view.row]);
    const i = track ? at(track, instant) : -1;
    if (i >= 0) this.pick(detail.slice(view, this.meta, view.row, i));
  }

  showThreads(on) {
    this.threads = on;
    this.arrange();
  }

  // search dims all but what fits; null ends it. It returns who was found.
  search(query) {
    this.query = query;
    const result = query && search.find(this.view, this.meta.names, query);
    this.view.masks = result ? result.masks : null;
    this.masked();
    this.repaint();
    return result ? result.found : [];
  }

  // goTo chooses a slice {track, i} and moves so that it can be seen.
  goTo({track, i}) {
    const {view} = this;
    const [start, end] = [track.start[i], track.end[i]];
    const length = view.window[1] - view.window[0];
    const thin = end - start < length / 500;
    if (thin || start < view.window[0] || end > view.window[1]) {
      const half = thin ? Math.max(span.MIN / 2, (end - start) * 25) : Math.max(length, (end - start) * 1.2) / 2;
      view.window = span.fit([(start + end) / 2 - half, (start + end) / 2 + half], this.bounds);
    }
    view.row = view.rowOf(track.p);
    this.pick(detail.slice(view, this.meta, view.row, i));
  }

  // goOn goes to the next or the previous slice of the chosen slice's goroutine.
  goOn(by) {
    const to = this.detail?.slice && wake.following(this.view, this.detail.slice, by);
    if (to) this.goTo(to);
  }

  // toWaker goes to the slice that made the chosen one's goroutine runnable.
  toWaker() {
    const to = this.detail?.slice && wake.wakeUp(this.view, this.detail.slice)?.by;
    if (to) this.goTo(to);
  }

  pinChosen() {
    const slice = this.detail?.slice;
    if (slice) this.togglePin(this.view.who.g[slice.track.who[slice.i]]);
  }

  key(e) {
    const act = keys[e.key] ?? keys[e.key.toLowerCase()];
    const typed = e.getModifierState('AltGraph'); // on some keyboards brackets need it
    if (!act || (!typed && (e.ctrlKey || e.altKey)) || e.metaKey) return;
    act(this);
    e.preventDefault();
  }

  // place is the row and instant at a point of the chart; null beside the rows.
  place(x, y) {
    const {box, view} = this;
    if (!box || view.rows.length === 0 || x < box.x || x > box.x + box.width) return null;
    const row = paint.rowAt(box, view, y);
    if (row < 0) return null;
    return {row, instant: view.window[0] + ((x - box.x) / box.width) * (view.window[1] - view.window[0])};
  }

  hover(x, y) {
    const place = this.place(x, y);
    this.tip.hidden = !place;
    this.pointer = place?.instant ?? null;
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
    this.choosing(what);
    this.repaint();
  }

  choosing(what) {
    const {view} = this;
    view.chosen = what.range || null;
    view.wake = null;
    this.detail = what;
    view.woke = what.slice ? wake.woke(view, what.slice) : [];
    const up = what.slice && wake.wakeUp(view, what.slice);
    if (up) view.wake = {ready: up.ready, row: up.by ? view.rowOf(up.by.track.p) : -1};
  }

  // step chooses the next or the previous slice of the row.
  step(by) {
    const {view} = this;
    if (view.row < 0 && view.rows.length > 0) view.row = 0;
    const track = trackOf(view.rows[view.row]);
    if (!track || track.n === 0) return;
    const {chosen} = view;
    const from = this.near(track); // the first press chooses what is in the middle
    const i = Math.max(0, Math.min(track.n - 1, chosen && chosen.row === view.row ? from + by : from));
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
    return i >= 0 ? i : Math.max(0, span.firstEndingAfter(track.end, middle) - 1);
  }

  // moveRow chooses the row above or below.
  moveRow(by) {
    const n = this.view.rows.length;
    if (n === 0) return;
    this.view.row = this.view.row < 0 ? 0 : Math.max(0, Math.min(n - 1, this.view.row + by));
    this.repaint();
  }

  // zoom changes the window's length, around where the pointer is.
  zoom(factor) {
    const {window} = this.view;
    this.show(span.zoom(window, factor, this.pointer !== null && this.pointer >= window[0] && this.pointer <= window[1] ? this.pointer : undefined));
  }

  // fit shows what is selected, or else the chosen slice, from end to end, with some room.
  fit() {
    const {chosen} = this.view;
    if (!this.selected && !chosen) return;
    const [start, end] = this.selected ? [this.selected.from, this.selected.to] : [chosen.start, chosen.end];
    const room = Math.max((end - start) / 10, span.MIN / 10);
    this.show([start - room, end + room]);
  }

  // mark marks where the chosen slice begins, or else where the pointer or the middle
  // is; what is marked already is not any more.
  mark() {
    const {view} = this;
    const instant = Math.round(view.chosen?.start ?? this.pointer ?? (view.window[0] + view.window[1]) / 2);
    const rest = view.flags.filter((x) => x !== instant);
    view.flags = rest.length < view.flags.length ? rest : [...rest.slice(-(MOST_MARKS - 1)), instant].sort((a, b) => a - b);
    this.repaint();
  }

  unmark() {
    this.view.flags = [];
    this.repaint();
  }

  toggle(kind, on) {
    this.view.shown[kind] = on;
    this.repaint();
  }

  hash() {
    const {view, pins, threads} = this;
    const chosen = view.chosen?.row === view.row ? view.chosen.start : null;
    const row = view.row < 0 ? null : view.rows[view.row].id;
    return span.toHash(view.window, row, pins, threads === this.threadsAtFirst ? null : threads, this.fields, {at: chosen, marks: view.flags, selected: this.selected});
  }

  status() {
    const [start, end] = this.view.window;
    const [from, to] = this.view.flags.slice(-2);
    const marked = to === undefined ? '' : `; between the last two marks ${dur(to - from)}`;
    return `${offset(start, end - start)} to ${offset(end, end - start)} (${dur(end - start)})${marked}`;
  }
}

// trackOf is what can be chosen on a row.
const trackOf = (row) => row?.lane?.track ?? row?.track;

// newView is all that the painters need, and the state that the user changes.
function newView(meta, trace, before) {
  const tracks = new Map(trace.tracks.map((t) => [t.p, t]));
  const tiles = new Map(trace.tiles.map((t) => [t.p, t]));
  const ps = meta.rows.map((p) => ({id: `P${p}`, label: `P${p}`, p, g: -1, m: -1, track: tracks.get(p), tiles: tiles.get(p)}));
  const lanes = [cpus.row(meta), ...overTime.lanes(meta, trace.lanes)].filter(Boolean);
  const view = {
    window: [meta.from, meta.to], row: -1, chosen: null, wake: null, woke: [], masks: null, kinds: [...meta.kinds, 'runnable', 'neither ran nor runnable'], shown: meta.marks.map(() => false),
    ps, lanes, rows: [...ps, ...lanes], front: 0, procs: ps.length, flags: [], tracks: trace.tracks, stops: trace.stops, samples: trace.samples, threads: trace.threads, rounded: trace.rounded,
    kept: meta.kept, whole: meta.kept.length === 1 && meta.kept[0][0] <= meta.from && meta.kept[0][1] > meta.to, tileWidth: meta.tileWidth, who: trace.who, marks: trace.marks, depth: trace.depth,
    ranges: meta.ranges.map(([start, end, stw, cause]) => ({start, end, stw: stw === 1, cause: meta.causes[cause]})),
  };
  view.rowOf = (p) => (p < 0 ? -1 : view.rows.findIndex((row) => row.p === p));
  view.rowById = (id) => view.rows.findIndex((row) => row.id === id);
  view.keeps = (t) => view.kept.some(([from, to]) => t >= from && t < to);
  // stopOf is how the goroutine of a slice stopped at its end.
  view.stopOf = ({track, i}) => trace.stops.of(trace.stops.id(trace.who.name[track.who[i]], track.place[i]));
  view.firstMark = (t) => Math.max(0, span.firstEndingAfter(trace.marks.at, t - 1));
  view.firstDepth = (t) => span.firstEndingAfter(trace.depth.at, t);
  view.labels = label(trace.tracks, trace.who, trace.stops, (who) => meta.names[trace.who.name[who]]?.[0] || `G${trace.who.g[who]}`);
  view.functions = functions.shade(trace.tracks, view.labels, before);
  view.leading = new Float64Array(view.labels.length); // see label.Leaders
  view.label = (track, i, kind) => view.labels[track.label[i]] || meta.kinds[kind];
  return view;
}

// again describes a slice of another view that shows the same trace.
function again(view, meta, {track, i}) {
  const row = view.rowOf(track.p);
  return detail.describe(view, meta, row, (track.start[i] + track.end[i]) / 2);
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
