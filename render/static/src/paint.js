// The painters: they draw onto a canvas of their own, which the chart then
// shows as one image. Drawing a hundred thousand slices as chart items is a
// hundred times slower.
import {tick} from './format.js';
import {Leaders, within} from './label.js';
import {Pixels} from './pixels.js';
import {scan, scanTiles, SHADES} from './scan.js';
import {parts, ticks} from './span.js';
import {font, ink} from './theme.js';

const LANE = 18; // height of the lane of GC phases above the rows
const LEAST = 11; // height of a row with labels
const LABEL = 48; // a slice is labelled if it is this wide
const MAX_LABELS = 400;
const LEADERS = 96; // width of a block in which one label may stand for many slices
const MOST_WOKEN = 40; // arrows to those made runnable
const HATCH = 8;
const THIN = HATCH / 2; // too thin to show a texture

// surface is an offscreen canvas of the wanted size, with its context scaled so
// that drawing is in CSS pixels.
export function surface(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const c = canvas.getContext('2d');
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}

// patterns fills kinds with colour and texture, so that they can be told apart
// without colour as well.
export function patterns(palette) {
  return palette.fills.map((colour, kind) => {
    const draw = textures[kind];
    if (!draw) return colour;
    const tile = document.createElement('canvas');
    tile.width = tile.height = HATCH;
    const c = tile.getContext('2d');
    c.fillStyle = colour;
    c.fillRect(0, 0, HATCH, HATCH);
    c.strokeStyle = c.fillStyle = ink(colour);
    c.globalAlpha = 0.45;
    draw(c);
    return c.createPattern(tile, 'repeat');
  });
}

// In the order of analyze.SliceKind. Only one kind may go without.
export const textures = [
  null,
  (c) => dots(c),
  (c) => c.fillRect(3, 0, 1, HATCH),
  (c) => stripes(c, 1),
  (c) => stripes(c, -1),
  (c) => c.fillRect(0, 3, HATCH, 1),
  (c) => { stripes(c, 1); stripes(c, -1); },
  (c) => c.fillRect(3, 3, 1.2, 1.2),
];

function dots(c) {
  c.fillRect(1, 1, 1.5, 1.5);
  c.fillRect(5, 5, 1.5, 1.5);
}

function stripes(c, direction) {
  c.beginPath();
  for (const shift of [-HATCH, 0, HATCH]) {
    c.moveTo(shift, direction > 0 ? HATCH : 0);
    c.lineTo(shift + HATCH, direction > 0 ? 0 : HATCH);
  }
  c.lineWidth = 1.2;
  c.stroke();
}

// rows paints the P rows of a window. box is where: {x, y, width, height}, in
// the pixels of the canvas; view is what: see timeline.js.
export function rows(c, box, view) {
  const scale = box.width / (view.window[1] - view.window[0]);
  grid(c, box, view);
  c.fillStyle = view.palette.idle;
  view.rows.forEach((row, i) => {
    const lane = rowBox(box, view, i);
    c.fillRect(box.x, lane.y, box.width, lane.height);
  });
  if (view.masks) {
    c.globalAlpha = 0.16;
    slices(c, box, scale, view, null);
    c.globalAlpha = 1;
  }
  const labels = slices(c, box, scale, view, view.masks);
  coarse(c, box, scale, view);
  const hatched = stops(c, box, scale, view);
  names(c, labels, view, hatched); // after the hatching, which would strike them through
  view.rows.forEach((row, i) => row.lane?.paint(c, box, rowBox(box, view, i), scale, view));
  phases(c, box, scale, view);
  decisions(c, box, scale, view);
  rowNames(c, box, view);
  select(c, box, scale, view);
  flags(c, box, scale, view);
}

// slices paints those of all rows, with masks only those that a search found, and returns
// their labels.
function slices(c, box, scale, view, masks) {
  const batches = Array.from({length: SHADES}, () => []);
  const labels = [];
  view.pixels ??= new Pixels();
  view.pixels.begin(box.width, box.height, view.palette.fills);
  view.rows.forEach((row, i) => paintRow(row, rowBox(box, view, i), box, scale, view, batches, labels, masks));
  view.pixels.draw(c, box.x, box.y);
  fill(c, batches, view);
  return labels;
}

// Rows stand in three groups: in front those that a moment names and those of
// goroutines, then the Ps, then lanes and threads. Those of Ps share one height; the
// others are high enough to be read however many Ps there are.
const PITCH = 24;
const TALL = 48;
const SEPARATOR = 10;

// layout says where the rows of a view are, from the top of the first; pitch is the
// height of a P's.
export function layout(view, pitch) {
  const {rows: all, front, procs} = view;
  let y = 0;
  view.places = all.map((row, i) => {
    if (i > 0 && (i === front || i === front + procs)) y += SEPARATOR;
    const high = row.lane ? row.lane.height || TALL : i >= front && i < front + procs ? pitch : Math.max(PITCH, row.p >= 0 ? pitch : 0);
    y += high;
    return {top: y - high, pitch: high};
  });
  view.height = Math.max(y, PITCH);
}

// rowBox is where row i is, without the gap below it. Its edges are on whole
// pixels: thin rows would be a blur otherwise.
export function rowBox(box, view, i) {
  const {top, pitch} = view.places[i];
  const gap = pitch >= 12 ? 4 : pitch >= 4 ? 1 : 0;
  const y = Math.round(box.y + top);
  return {y, pitch, height: Math.max(1, Math.round(box.y + top + pitch) - y - gap)};
}

// rowAt is the row at a height of the canvas, -1 between the groups.
export function rowAt(box, view, y) {
  return view.places.findIndex(({top, pitch}) => y >= box.y + top && y < box.y + top + pitch);
}

function paintRow(row, lane, box, scale, view, batches, labels, masks) {
  const {pixels} = view;
  const left = box.x;
  const top = lane.y - box.y;
  const mask = masks && row.track ? row.mask : null;
  const leaders = row.p >= 0 && lane.height >= LEAST && row.track?.label ? new Leaders(view.leading, LEADERS, (label, x, width) => labels.push({x: left + x, width, lane, row, leads: view.labels[label]})) : null;
  const sink = {
    slice(x, width, i) {
      const shade = row.track.shade[i];
      if (width < THIN) pixels.add(x - left, top, width > 3 ? width - 0.75 : width, lane.height, shade);
      else batches[shade].push(x, lane.y, width - 0.75, lane.height);
      if (width > LABEL && lane.height >= LEAST && labels.length < MAX_LABELS) {
        labels.push({x, width, lane, kind: row.track.kind[i], shade, row, i});
        leaders?.cut(x - left);
      } else if (leaders) leaders.add(x - left, width, row.track.label[i]);
    },
    narrow: leaders && ((x, width, i) => leaders.add(x - left, width, row.track.label[i])),
    column: (x, width, share, seen) => pixels.stack(x - left, top, width, lane.height, share, seen),
  };
  for (const [a, b, kept] of parts(view.window, view.kept)) {
    const x = left + (a - view.window[0]) * scale;
    if (kept && row.track) scan(row.track, a, b, x, scale, sink, mask);
    else if (!kept && !masks && row.tiles) scanTiles(row.tiles, view.tileWidth, a, b, x, scale, sink);
  }
  leaders?.cut(Infinity);
}

// fill paints rectangles [x, y, width, height, ...] by shade, with its texture.
function fill(c, batches, {patterns}) {
  batches.forEach((rects, shade) => {
    c.fillStyle = patterns[shade];
    for (let i = 0; i < rects.length; i += 4) c.fillRect(rects[i], rects[i + 1], rects[i + 2], rects[i + 3]);
  });
}

// names writes labels; hatched are the stretches [x, width] with something drawn over them.
function names(c, labels, view, hatched) {
  c.font = `11px ${font}`;
  c.textBaseline = 'middle';
  c.textAlign = 'left';
  for (const {x, width, lane, kind, shade, row, i, leads} of labels) {
    const colour = leads ? view.palette.card : view.palette.fills[shade];
    c.save();
    c.beginPath();
    c.rect(x + 2, lane.y, width - 5, lane.height);
    c.clip();
    const text = leads ?? nameOf(view, row, i, kind);
    const long = Math.min(width, c.measureText(text).width + 6);
    if (leads || textures[kind] || hatched.some(([from, wide]) => from < x + long && x < from + wide)) { // textures, and many slices, would run through the letters
      c.fillStyle = colour;
      c.fillRect(x + 2, lane.y + lane.height / 2 - 7, long, 14);
    }
    c.fillStyle = ink(colour);
    c.fillText(text, x + 5, lane.y + lane.height / 2 + 0.5);
    c.restore();
  }
}

// nameOf is what is written on slice i of a row.
function nameOf(view, {g, track}, i, kind) {
  if (track.why?.[i]) return track.why[i];
  const of = track.of?.[i];
  if (g >= 0) return of ? `P${of.p}` : view.kinds[kind];
  return view.label(of ?? track, of ? track.at[i] : i, kind);
}

// grid draws the time axis: labels above the rows, hairlines through them.
function grid(c, box, view) {
  const {by, at} = ticks(view.window, Math.max(2, box.width / 130));
  c.font = `12px ${font}`;
  c.textBaseline = 'bottom';
  for (const t of at) {
    const x = box.x + ((t - view.window[0]) / (view.window[1] - view.window[0])) * box.width;
    c.fillStyle = view.palette.line;
    c.fillRect(Math.round(x), box.y - LANE - 4, 1, box.height + LANE + 4);
    c.fillStyle = view.palette.muted;
    c.textAlign = x - box.x < 30 ? 'left' : box.x + box.width - x < 40 ? 'right' : 'center';
    c.fillText(tick(t, by), x, box.y - LANE - 5);
  }
}

// coarse veils the parts whose slices were left out, and says so where there is room.
function coarse(c, box, scale, view) {
  for (const [a, b, kept] of parts(view.window, view.kept)) {
    const [x, width] = [box.x + (a - view.window[0]) * scale, (b - a) * scale];
    if (kept || width < 2) continue;
    c.fillStyle = view.palette.back;
    c.globalAlpha = 0.35;
    c.fillRect(x, box.y, width, box.height);
    c.globalAlpha = 1;
    // Phases of the GC have the same lane; above the timeline is told what was left out.
    if (width < 130 || view.ranges.some((r) => !r.stw && r.start < b && r.end > a)) continue;
    c.font = `11px ${font}`;
    c.textAlign = 'center';
    c.textBaseline = 'middle';
    c.fillStyle = view.palette.muted;
    c.fillText('overview only: slices left out', x + width / 2, box.y - LANE / 2 - 0.5, width - 6);
  }
}

// stops hatches stop-the-world pauses across all rows. Those too short for that are
// lines as dark as their share of the time, with ticks above the rows: many of them
// must not hide what ran. It returns where it hatched: [x, width] of each.
function stops(c, box, scale, view) {
  const hatched = [];
  const thin = new Map(); // by pixel: how much of it the world was stopped
  for (const range of view.ranges) {
    if (!range.stw || range.end < view.window[0] || range.start > view.window[1]) continue;
    const [x, width] = clipped(range, box, scale, view, 0);
    if (width < 4) {
      for (let at = Math.floor(x); at < x + Math.max(width, 0.01); at++) thin.set(at, (thin.get(at) ?? 0) + Math.min(at + 1, x + width) - Math.max(at, x));
      continue;
    }
    c.save();
    c.beginPath();
    c.rect(x, box.y, width, box.height);
    c.clip();
    c.globalAlpha = 0.55;
    c.fillStyle = view.palette.back;
    c.fillRect(x, box.y, width, box.height);
    c.globalAlpha = 1;
    hatch(c, x, width, box, view.palette.critical);
    c.restore();
    hatched.push([x, width]);
  }
  c.fillStyle = view.palette.critical;
  for (const [x, share] of thin) {
    c.globalAlpha = Math.min(0.7, 0.1 + share);
    c.fillRect(x, box.y, 1, box.height);
    c.globalAlpha = 1;
    c.fillRect(x, box.y - 3, 1, 3);
  }
  return hatched;
}

function hatch(c, x, width, box, colour) {
  c.strokeStyle = colour;
  c.lineWidth = 1.5;
  c.beginPath();
  for (let at = x - box.height; at < x + width; at += HATCH) {
    c.moveTo(at, box.y + box.height);
    c.lineTo(at + box.height, box.y);
  }
  c.stroke();
}

// phases draws concurrent mark phases in the lane above the rows, with their
// edges through the rows.
function phases(c, box, scale, view) {
  c.font = `11px ${font}`;
  c.textAlign = 'left';
  c.textBaseline = 'middle';
  for (const range of view.ranges) {
    if (range.stw || range.end < view.window[0] || range.start > view.window[1]) continue;
    const [x, width] = clipped(range, box, scale, view, 1);
    c.fillStyle = view.palette.gc;
    c.fillRect(x, box.y - LANE + 2, width, LANE - 5);
    if (width > 30) {
      c.fillStyle = ink(view.palette.gc);
      c.fillText(width > 80 ? 'GC mark phase' : 'GC', x + 4, box.y - LANE / 2 - 0.5, width - 6);
    }
  }
}

function clipped(range, box, scale, view, least) {
  const x = box.x + Math.max(0, (range.start - view.window[0]) * scale);
  const right = Math.min(box.x + box.width, box.x + (range.end - view.window[0]) * scale);
  return [Math.min(x, box.x + box.width - least), Math.max(least, right - x)];
}

// decisions marks steals, 61-tick pulls, handoffs and preemptions on the rows
// where they were made. Marks that would fall on the same pixel are drawn once.
function decisions(c, box, scale, view) {
  const {marks} = view;
  if (!view.shown.some(Boolean)) return;
  const last = new Map(); // row and kind → pixel drawn last
  for (let i = view.firstMark(view.window[0]); i < marks.n && marks.at[i] < view.window[1]; i++) {
    const kind = marks.kind[i];
    const row = view.rowOf(marks.p[i]);
    if (!view.shown[kind] || row < 0) continue;
    const x = Math.round(box.x + (marks.at[i] - view.window[0]) * scale);
    const key = row * 8 + kind;
    if (last.get(key) === x) continue;
    last.set(key, x);
    glyph(c, x, rowBox(box, view, row), kind, view.palette);
  }
}

// glyph draws one mark: a shape per kind, so that colour is not needed.
function glyph(c, x, lane, kind, palette) {
  const size = Math.max(2, Math.min(5, lane.height / 3));
  const y = lane.y + size + 1;
  c.beginPath();
  if (kind === 0) polygon(c, [[x - size, y - size], [x + size, y - size], [x, y + size]]);
  else if (kind === 1) c.arc(x, y, size, 0, 2 * Math.PI);
  else if (kind === 2) c.rect(x - size, y - size, 2 * size, 2 * size);
  else polygon(c, [[x, y - size * 1.3], [x + size, y], [x, y + size * 1.3], [x - size, y]]);
  c.fillStyle = palette.marks[kind];
  c.strokeStyle = palette.back;
  c.lineWidth = 1;
  c.fill();
  c.stroke();
}

function polygon(c, points) {
  points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.closePath();
}

function rowNames(c, box, view) {
  const pitch = view.places[view.front]?.pitch ?? PITCH;
  const every = [1, 2, 4, 8, 16, 32, 64].find((n) => n * pitch >= 13) || 128;
  c.font = `12px ${font}`;
  c.textAlign = 'right';
  c.textBaseline = 'middle';
  view.rows.forEach((row, i) => {
    const proc = i >= view.front && i < view.front + view.procs;
    if (proc && (i - view.front) % every && i !== view.row) return;
    const lane = rowBox(box, view, i);
    c.fillStyle = i === view.row ? view.palette.critical : view.palette.text;
    c.fillText(within(c, row.label, box.x - 10), box.x - 8, (proc ? lane.y + pitch / 2 : lane.y + lane.height / 2) + 0.5, box.x - 10);
  });
}

function select(c, box, scale, view) {
  c.strokeStyle = view.palette.critical;
  if (view.row >= 0) {
    const lane = rowBox(box, view, view.row);
    c.lineWidth = 1.5;
    c.strokeRect(box.x + 0.75, lane.y - 1, box.width - 1.5, lane.height + 2);
  }
  if (!view.chosen || !view.rows[view.chosen.row]) return;
  const lane = rowBox(box, view, view.chosen.row);
  arrows(c, box, scale, view);
  const range = {start: view.chosen.start, end: view.chosen.end};
  if (range.end < view.window[0] || range.start > view.window[1]) return;
  const [x, width] = clipped(range, box, scale, view, 2);
  c.strokeStyle = view.palette.text;
  c.lineWidth = 2;
  c.strokeRect(x, lane.y, width, lane.height);
}

// arrows lead from where the waker made the chosen slice's goroutine runnable to
// the slice's begin, and from there on to those that it made runnable itself.
function arrows(c, box, scale, view) {
  c.save();
  c.beginPath();
  c.rect(box.x, box.y - 2, box.width, box.height + 4);
  c.clip();
  c.strokeStyle = c.fillStyle = view.palette.text;
  c.lineWidth = 1;
  for (const {slice: {track, i}, ns} of view.woke.slice(0, MOST_WOKEN)) {
    arrow(c, box, scale, view, {row: view.chosen.row, at: track.start[i] - ns}, {row: view.rowOf(track.p), at: track.start[i]});
  }
  c.lineWidth = 2;
  if (view.wake) arrow(c, box, scale, view, {row: view.wake.row, at: view.wake.ready}, {row: view.chosen.row, at: view.chosen.start});
  c.restore();
}

// arrow leads from an instant on one row, -1 for none, to a later one on another;
// dashes show how long the goroutine was runnable.
function arrow(c, box, scale, view, from, to) {
  const x = (t) => box.x + Math.max(-50, Math.min(box.width + 50, (t - view.window[0]) * scale));
  const middle = (row) => { const lane = rowBox(box, view, row); return lane.y + lane.height / 2; };
  const [x0, x1, y] = [x(from.at), x(to.at), middle(to.row)];
  if (from.row >= 0) {
    c.beginPath();
    c.moveTo(x0, middle(from.row));
    c.lineTo(x0, y);
    c.stroke();
    c.beginPath();
    c.arc(x0, middle(from.row), 1.5 + c.lineWidth, 0, 2 * Math.PI);
    c.fill();
  }
  c.setLineDash([4, 3]);
  c.beginPath();
  c.moveTo(x0, y);
  c.lineTo(x1, y);
  c.stroke();
  c.setLineDash([]);
  c.beginPath();
  polygon(c, [[x1 - 7, y - 4.5], [x1, y], [x1 - 7, y + 4.5]]);
  c.fill();
}

// flags draws the user's marks: lines through all rows, numbered above them.
function flags(c, box, scale, view) {
  c.font = `11px ${font}`;
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  view.flags.forEach((at, i) => {
    const x = Math.round(box.x + (at - view.window[0]) * scale);
    if (x < box.x || x > box.x + box.width) return;
    c.fillStyle = view.palette.accent;
    c.fillRect(x - 0.75, box.y - LANE, 1.5, box.height + LANE);
    c.fillRect(x - 8, box.y - LANE, 16, 14);
    c.fillStyle = ink(view.palette.accent);
    c.fillText(String(i + 1), x, box.y - LANE + 7.5);
  });
}

// depth paints the number of runnable goroutines: y(n) says where.
export function depth(c, box, view, y) {
  const scale = box.width / (view.window[1] - view.window[0]);
  for (const range of view.ranges) {
    if (range.end < view.window[0] || range.start > view.window[1]) continue;
    const [x, width] = clipped(range, box, scale, view, 1);
    c.globalAlpha = range.stw ? 0.35 : 0.25;
    c.fillStyle = range.stw ? view.palette.critical : view.palette.gc;
    c.fillRect(x, box.y, width, box.height);
  }
  c.globalAlpha = 1;
  const peaks = columnPeaks(view, box.width);
  area(c, box, peaks, y, view.palette.depth);
}

// columnPeaks is the largest depth in each pixel column of the window.
function columnPeaks(view, width) {
  const {at, runnable, n} = view.depth;
  const [start, end] = view.window;
  const out = new Float64Array(Math.max(1, Math.ceil(width)));
  let i = view.firstDepth(start);
  let now = i > 0 ? runnable[i - 1] : 0;
  for (let x = 0; x < out.length; x++) {
    const limit = start + ((x + 1) * (end - start)) / width;
    out[x] = now;
    for (; i < n && at[i] < limit; i++) {
      now = runnable[i];
      out[x] = Math.max(out[x], now);
    }
  }
  return out;
}

// jumpy tells whether a line along the peaks would be mostly edges.
function jumpy(peaks) {
  let edges = 0;
  for (let x = 1; x < peaks.length; x++) if (peaks[x] !== peaks[x - 1]) edges++;
  return edges > peaks.length / 6;
}

function area(c, box, peaks, y, colour) {
  const bottom = box.y + box.height;
  c.beginPath();
  c.moveTo(box.x, bottom);
  peaks.forEach((peak, x) => {
    c.lineTo(box.x + x, y(peak));
    c.lineTo(box.x + Math.min(box.width, x + 1), y(peak));
  });
  c.lineTo(box.x + box.width, bottom);
  c.closePath();
  c.fillStyle = colour;
  c.globalAlpha = 0.22;
  c.fill();
  c.globalAlpha = jumpy(peaks) ? 0.45 : 1;
  c.strokeStyle = colour;
  c.lineWidth = 1.25;
  c.stroke();
  c.globalAlpha = 1;
}
