// Lanes of the program's own tasks, regions and messages. Tasks that overlap stand below
// each other, with their regions inside of them.
import {count, dur, offset, plural} from './format.js';
import {scaleOf, when} from './lanes.js';

const LEVELS = 6; // of tasks at once that have a place of their own
const NAME = 15; // height of the name above the bars, in pixels
const FLAT = 36; // and of a row without overlaps
const NAMED = 3; // that a text lists

// lanes are [id, lane]: of the names with most time first, and of messages.
export function lanes({spans, logs}, end) {
  const out = [];
  let [tasks, regions] = [0, 0];
  spans.lanes.forEach((said, i) => {
    const last = i === spans.lanes.length - 1;
    const more = [spans.more > 0 ? `${plural(spans.more, 'more name')} of tasks and regions without a row` : '', spans.untold > 0 ? `${count(spans.untold)} tasks and regions of still more` : ''].filter(Boolean).join(', ');
    out.push([said.task ? `Task${++tasks}` : `Reg${++regions}`, new Spans(said, end, last ? [['', "Task, Reg: the program's own tasks with the regions inside of them, and other regions"]] : [], last && more ? [more] : [])]);
  });
  if (logs.n > 0) out.push(['Logs', new Logs(logs, end)]);
  return out;
}

// levels gives each of some spans, in order of their starts, a place below those that it
// overlaps; those for which there is none stand in the last one.
export function levels({n, start, end}, most) {
  const free = []; // when each level is
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    let level = free.findIndex((until) => until <= start[i]);
    if (level < 0) level = Math.min(free.length, most - 1);
    free[level] = Math.max(free[level] ?? 0, end[i]);
    out[i] = level;
  }
  return {level: out, n: Math.max(1, free.length)};
}

// stretches cuts time wherever a span begins or ends: a row can be stepped through so.
// on(i) are the spans that are under way in stretch i.
export function stretches({n, start, end}) {
  const edges = [...new Set([...start, ...end])].sort((a, b) => a - b);
  const place = new Map(edges.map((at, i) => [at, i]));
  const change = new Int32Array(edges.length + 1);
  for (let i = 0; i < n; i++) {
    change[place.get(start[i])]++;
    change[place.get(end[i])]--;
  }
  const track = {n: 0, start: [], end: []};
  for (let i = 0, open = 0; i + 1 < edges.length; i++) {
    open += change[i];
    if (open === 0) continue;
    track.start.push(edges[i]);
    track.end.push(edges[i + 1]);
  }
  track.n = track.start.length;
  const on = (at) => {
    const list = [];
    for (let i = 0; i < n && start[i] <= track.start[at]; i++) if (end[i] >= track.end[at]) list.push(i);
    return list;
  };
  return {track, on};
}

class Spans {
  constructor({task, left, name, all, inside}, end, legend, leftOut) {
    Object.assign(this, {kind: task ? 'task' : 'region', name, left, all, inside, nothing: `no ${task ? 'task' : 'region'} ${name} that is kept`, legend, leftOut});
    Object.assign(this, stretches(all), {levels: levels(all, LEVELS)});
    this.height = this.levels.n === 1 ? FLAT : 0;
    const kept = all.n + inside.n;
    this.text = `${task ? 'task' : 'region'} ${name}: ${count(all.n)}${left > 0 ? `, the longest of ${count(kept + left)}${inside.n > 0 ? ' with regions' : ''}` : ''}`;
  }

  paint(c, box, lane, scale, view) {
    const pitch = (lane.height - NAME) / this.levels.n;
    const bar = (start, end, y, height, fill) => {
      if (end < view.window[0] || start > view.window[1]) return;
      const x = box.x + (Math.max(view.window[0], start) - view.window[0]) * scale;
      const width = Math.max(1, box.x + (Math.min(view.window[1], end) - view.window[0]) * scale - x);
      c.fillStyle = fill;
      c.fillRect(x, y, width, height);
      if (width < 4) return;
      c.fillStyle = view.palette.card; // where the next one begins
      c.fillRect(x + width - 1, y, 1, height);
    };
    const {all, inside, levels: {level}} = this;
    const top = (i) => lane.y + NAME + level[i] * pitch;
    for (let i = 0; i < all.n; i++) bar(all.start[i], all.end[i], top(i), Math.max(1, pitch - 1), view.palette.kinds[1]);
    for (let i = 0; i < inside.n; i++) bar(inside.start[i], inside.end[i], top(inside.in[i]) + pitch / 2, Math.max(1, pitch / 2 - 1), view.palette.kinds[0]);
    scaleOf(c, box, lane, view, this.text);
  }

  describe(index, at) {
    const [start, end] = [this.track.start[at], this.track.end[at]];
    const {all, inside} = this;
    const on = this.on(at);
    const lines = [];
    for (const i of on.slice(0, NAMED)) {
      const within = [];
      for (let k = 0; k < inside.n && inside.start[k] <= start; k++) if (inside.in[k] === i && inside.end[k] >= end) within.push(inside.name[k]);
      lines.push(`G${all.g[i]}: ${all.open[i] ? 'at least ' : ''}${when(all.start[i], all.end[i])}${within.length > 0 ? `, in ${within.join(', in ')}` : ''}`);
    }
    if (on.length > NAMED) lines.push(`and ${count(on.length - NAMED)} more`);
    return {title: `${this.kind} ${this.name}${on.length > 1 ? `, ${count(on.length)} at once` : ''}`, lines, range: {row: index, i: at, start, end}};
  }
}

class Logs {
  constructor({n, at, count: counts, g, text}, end) {
    Object.assign(this, {counts, g, text, nothing: 'no message', height: 26, legend: [['', 'Logs: what the program logged']]});
    const next = (i) => (i + 1 < n ? at[i + 1] : Math.max(end, at[i] + 1));
    this.track = {n, start: at, end: Float64Array.from(at, (_, i) => next(i))};
  }

  paint(c, box, lane, scale, view) {
    c.fillStyle = view.palette.marks[3];
    c.font = '11px sans-serif';
    c.textAlign = 'left';
    c.textBaseline = 'middle';
    let free = -Infinity;
    for (let i = 0; i < this.track.n; i++) {
      const at = this.track.start[i];
      if (at < view.window[0] || at > view.window[1]) continue;
      const x = Math.round(box.x + (at - view.window[0]) * scale);
      c.fillRect(x, lane.y, 1.5, lane.height);
      if (x < free) continue;
      const room = Math.min(box.x + box.width, box.x + (this.track.end[i] - view.window[0]) * scale) - x - 8;
      const text = fitting(c, this.text[i], room);
      if (text) c.fillText(text, x + 4, lane.y + lane.height / 2);
      free = x + 4;
    }
  }

  describe(index, i) {
    const start = this.track.start[i];
    const n = this.counts[i];
    const lines = [`G${this.g[i]}, at ${offset(start, 1e6)}`];
    if (n > 1) lines.push(`and ${plural(n - 1, 'more message')} until ${dur(this.track.end[i] - start)} later`);
    return {title: `log: ${this.text[i]}`, lines, range: {row: index, i, start, end: this.track.end[i]}};
  }
}

// fitting is as much of a text as there is room for, '' where that says nothing.
function fitting(c, text, room) {
  if (room < 24) return '';
  if (c.measureText(text).width <= room) return text;
  const letters = [...text];
  const n = Math.floor((letters.length * room) / c.measureText(text).width) - 1;
  return n < 3 ? '' : `${letters.slice(0, n).join('')}…`;
}
