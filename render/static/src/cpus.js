// The row of CPUs: how many Ps wanted one, how many got one, and why the others did not.
// The machine's samples say so for spans of time: see render/page_machine.go.
import {count, dur, offset, pct} from './format.js';
import {ink} from './theme.js';

const OTHERS = 0; // groups of reasons
const QUOTA = 1;
const STOPPED = 2;
const STEP = 6; // between lines of the texture, in pixels

// row is the row, null where the machine was not asked.
export function row(meta) {
  return meta.cpus ? {id: 'CPUs', label: 'CPUs', p: -1, g: -1, m: -1, lane: new CPUs(meta.cpus)} : null;
}

// CPUs is a lane of the timeline, as those of lanes.js are. What its colours mean the page says.
class CPUs {
  constructor({spans, reasons, cpus}) {
    Object.assign(this, {spans, reasons, cpus, top: top({spans, cpus}), nothing: 'the machine was not asked', legend: []});
    this.track = {n: spans.length, start: Float64Array.from(spans, (s) => s.start), end: Float64Array.from(spans, (s) => s.end)};
  }

  // describe is {title, lines, range} of span i, for a row at index.
  describe(index, i) {
    const s = this.spans[i];
    const length = s.end - s.start;
    const lost = s.lost.reduce((sum, ns) => sum + ns, 0);
    const number = (ns) => (ns / length).toFixed(2);
    const lines = [`${dur(length)}, from ${offset(s.start, length)}`];
    for (const {why, ns} of s.why ?? []) lines.push(`${this.reasons[why]}: ${dur(ns)}${ns <= s.wanted ? ` (${pct(ns / s.wanted)})` : ''}`);
    if (lost === 0 && s.wanted > 0) lines.push('every P that wanted a CPU had one');
    if (this.cpus > 0) lines.push(`${Number.isInteger(this.cpus) ? count(this.cpus) : this.cpus.toFixed(2)} CPUs at the most`);
    return {title: `CPUs · ${number(s.wanted - lost)} of ${number(s.wanted)} that Ps wanted`, lines, range: {row: index, i, start: s.start, end: s.end}};
  }

  // paint draws what of the row is in the window. lane is where: {y, height}; from the
  // bottom up what was got, had by others, throttled and stopped.
  paint(c, box, lane, scale, view) {
    const bottom = lane.y + lane.height;
    const height = (n) => (n / this.top) * lane.height;
    c.save();
    c.beginPath();
    c.rect(box.x, lane.y, box.width, lane.height);
    c.clip();
    for (const s of this.spans) {
      if (s.end < view.window[0] || s.start > view.window[1] || s.wanted === 0) continue;
      const x = Math.round(box.x + (s.start - view.window[0]) * scale); // seams would show otherwise
      const width = Math.max(Math.round(box.x + (s.end - view.window[0]) * scale) - x, 0.5);
      const length = s.end - s.start;
      let y = bottom;
      const part = (ns, draw) => {
        const h = height(ns / length);
        y -= h;
        if (h > 0) draw(x, y, width, h);
      };
      part(s.wanted - s.lost.reduce((sum, ns) => sum + ns, 0), (...r) => fill(c, view.palette.kinds[0], r));
      part(s.lost[OTHERS], (...r) => fill(c, view.palette.kinds[6], r));
      part(s.lost[QUOTA], (...r) => textured(c, view.palette.marks[0], view.palette.idle, r, hatch));
      part(s.lost[STOPPED], (...r) => textured(c, view.palette.text, view.palette.muted, r, uprights));
    }
    c.restore();
    limit(c, box, bottom - height(this.cpus), view, this);
  }
}

// top is the row's upper edge in CPUs: what is wanted at the most, and what there are.
export function top({spans, cpus}) {
  return Math.ceil(Math.max(1, Math.min(cpus, 2 * most(spans)), most(spans)) - 0.05);
}

function most(spans) {
  return spans.reduce((n, s) => Math.max(n, s.wanted / Math.max(1, s.end - s.start)), 0);
}

function fill(c, colour, [x, y, width, height]) {
  c.fillStyle = colour;
  c.fillRect(x, y, width, height);
}

function textured(c, colour, back, rect, draw) {
  fill(c, back, rect);
  c.save();
  c.beginPath();
  c.rect(...rect);
  c.clip();
  c.strokeStyle = colour;
  c.lineWidth = 1.75;
  c.beginPath();
  draw(c, rect);
  c.stroke();
  c.restore();
}

// hatch and uprights go on from one span to the next: their places do not depend on it.
function hatch(c, [x, y, width, height]) {
  for (let at = Math.ceil((x + y) / STEP) * STEP; at < x + width + y + height; at += STEP) { // x and y together along a line
    c.moveTo(at - y, y);
    c.lineTo(at - y - height, y + height);
  }
}

function uprights(c, [x, y, width, height]) {
  for (let at = Math.ceil(x / STEP) * STEP; at < x + width; at += STEP) {
    c.moveTo(at, y);
    c.lineTo(at, y + height);
  }
}

// limit is a line at the CPUs that there are at the most, where it is not the edge.
function limit(c, box, y, view, {cpus, top: edge}) {
  if (cpus === 0 || cpus >= edge) return;
  c.save();
  c.setLineDash([5, 4]);
  c.strokeStyle = ink(view.palette.back);
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(box.x, Math.round(y) + 0.5);
  c.lineTo(box.x + box.width, Math.round(y) + 0.5);
  c.stroke();
  c.restore();
}
