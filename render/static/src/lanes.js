// Lanes over all of the time beside slices: the live heap with its goal, and how many
// goroutines are in which state.
import {el} from './dom.js';
import {bytes, count, dur, offset, shortened} from './format.js';
import {within} from './label.js';
import {firstEndingAfter} from './span.js';
import * as spanLanes from './spans.js';
import {font} from './theme.js';

const LETTERS = 14; // of a row's name in the margin
const KINDS = [0, 4, 6, 7]; // whose colours and textures the states have: running, system call, runnable, blocked

// lanes are the rows; none where the trace says nothing of them.
export function lanes(meta, said) {
  if (!said) return [];
  const end = meta.to;
  const out = [];
  if (said.states.some((state) => state.some((n) => n > 0))) out.push(row('Gs', new States(said, meta.states, end)));
  if (said.heap.at.length > 0) out.push(row('Heap', new Heap(said.heap, end, meta.heapLimit ?? 0)));
  for (const [id, lane] of spanLanes.lanes(said, end)) out.push(row(id, lane));
  return out;
}

// legend is what the colours of rows with lanes mean.
export function legend(rows) {
  return rows.flatMap(({lane}) => lane.legend).map(([colour, text]) => el('span', null, ...(colour ? [el('i', {className: colour})] : []), text));
}

// leftOut says what has no row.
export function leftOut(rows) {
  return rows.flatMap(({lane}) => lane.leftOut ?? []).map((text) => el('span', null, text));
}

// row is a lane's. Those of the program's own tasks and regions are called by their names.
const row = (id, lane) => ({id, label: shortened(lane.name || id, LETTERS), p: -1, g: -1, m: -1, lane});

// spans is a track of stretches that begin at instants, the last until end.
function spans(starts, end) {
  const n = starts.length;
  return {n, start: Float64Array.from(starts), end: Float64Array.from(starts, (_, i) => (i + 1 < n ? starts[i + 1] : Math.max(end, starts[i] + 1)))};
}

// visible calls f with what of a track is in the window: (i, x, width). Of those that
// share a pixel column only the one for which weigh says most is in it.
function visible(track, box, scale, window, weigh, f) {
  const pixel = (instant) => Math.round((Math.min(window[1], Math.max(window[0], instant)) - window[0]) * scale);
  let [most, last, column] = [-1, -1, -1];
  const put = () => {
    if (most < 0) return;
    f(most, box.x + column, 1);
    const right = pixel(track.end[last]);
    if (right > column + 1) f(last, box.x + column + 1, right - column - 1);
  };
  for (let i = firstEndingAfter(track.end, window[0]); i < track.n && track.start[i] < window[1]; i++) {
    const x = pixel(track.start[i]);
    if (x === column) {
      if (weigh(i) > weigh(most)) most = i;
      last = i;
      continue;
    }
    put();
    [most, last, column] = [i, i, x];
  }
  put();
}

class Heap {
  constructor({at, live, goal}, end, limit) {
    Object.assign(this, {live, goal, limit, nothing: 'not known yet'});
    this.track = spans(at, end);
    this.top = live.reduce((most, n, i) => Math.max(most, n, goal[i]), 1);
    this.near = limit > 0 && limit <= 2 * this.top; // else the heap would not be seen beside it
    if (this.near) this.top = Math.max(this.top, limit * 1.02);
    this.legend = [['', `Heap: live, and a line at its goal${limit > 0 ? this.near ? ', a dashed one at GOMEMLIMIT' : `; GOMEMLIMIT is ${bytes(limit)}` : ''}`]];
  }

  paint(c, box, lane, scale, view) {
    const y = (n) => Math.round(lane.y + lane.height - (n / this.top) * (lane.height - 1));
    visible(this.track, box, scale, view.window, (i) => this.live[i], (i, x, width) => {
      c.globalAlpha = 0.45;
      c.fillStyle = view.palette.depth;
      c.fillRect(x, y(this.live[i]), width, lane.y + lane.height - y(this.live[i]));
      c.globalAlpha = 1;
      c.fillStyle = view.palette.critical;
      if (this.goal[i] > 0) c.fillRect(x, y(this.goal[i]), width, 1.5);
    });
    if (this.near) dashed(c, box, y(this.limit) + 0.5, view);
    scaleOf(c, box, lane, view, bytes(this.top));
  }

  describe(index, i) {
    const [start, end] = [this.track.start[i], this.track.end[i]];
    const limit = this.limit > 0 ? [`GOMEMLIMIT, of which other memory of Go's is part too: ${bytes(this.limit)}`] : [];
    const goal = this.goal[i] > 0 ? [`goal, at which the collection is to have ended: ${bytes(this.goal[i])}`] : [];
    return {title: `Heap · ${this.live[i] > 0 ? `${bytes(this.live[i])} live` : 'not known'}`, lines: [...goal, ...limit, when(start, end)], range: {row: index, i, start, end}};
  }
}

class States {
  constructor({states, width}, words, end) {
    Object.assign(this, {states, words, nothing: 'not known yet', legend: [['', 'Gs: goroutines'], ...words.map((word, k) => [`k${KINDS[k]}`, word])]});
    this.track = spans(states[0].map((_, c) => c * width), end);
    this.all = states[0].map((_, c) => states.reduce((sum, s) => sum + s[c], 0));
    this.top = this.all.reduce((most, n) => Math.max(most, n), 1);
  }

  paint(c, box, lane, scale, view) {
    visible(this.track, box, scale, view.window, (i) => this.all[i], (i, x, width) => {
      let n = 0;
      this.states.forEach((state, k) => {
        const bottom = Math.round(lane.y + lane.height - (n / this.top) * lane.height);
        n += state[i];
        const top = Math.round(lane.y + lane.height - (n / this.top) * lane.height);
        c.fillStyle = view.patterns[KINDS[k]];
        if (top < bottom) c.fillRect(x, top, width, bottom - top);
      });
    });
    scaleOf(c, box, lane, view, `${count(Math.ceil(this.top))} goroutines`);
  }

  describe(index, i) {
    const [start, end] = [this.track.start[i], this.track.end[i]];
    const parts = this.words.map((word, k) => `${number(this.states[k][i])} ${word}`);
    return {title: `Goroutines · ${number(this.all[i])}, on average`, lines: [parts.join(', '), when(start, end)], range: {row: index, i, start, end}};
  }
}

const number = (n) => (n >= 100 ? String(Math.round(n)) : String(Math.round(n * 10) / 10));
export const when = (start, end) => `${dur(end - start)}, from ${offset(start, Math.max(1, end - start))}`;

function dashed(c, box, y, view) {
  c.save();
  c.setLineDash([5, 4]);
  c.strokeStyle = view.palette.text;
  c.beginPath();
  c.moveTo(box.x, y);
  c.lineTo(box.x + box.width, y);
  c.stroke();
  c.restore();
}

// scaleOf says what the upper edge is.
export function scaleOf(c, box, lane, view, says) {
  c.font = `11px ${font}`;
  const text = within(c, says, box.width - 8);
  c.textAlign = 'left';
  c.textBaseline = 'middle';
  c.fillStyle = view.palette.card;
  c.fillRect(box.x + 2, lane.y + 1, c.measureText(text).width + 6, 14);
  c.fillStyle = view.palette.text;
  c.fillText(text, box.x + 5, lane.y + 8.5);
}
