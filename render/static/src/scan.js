// From slices to rectangles: what of a row is visible, one rectangle per slice
// that is wide enough, shares of time per column where they are not.
import {firstEndingAfter} from './span.js';

export const KINDS = 8; // analyze.NumSliceKinds, and those of rows.js
export const SHADES = KINDS + 8; // kinds, and functions with a colour of their own: see functions.js
export const COLUMN = 2; // width of a column of merged slices, in pixels
const MOST_TOLD = 1 << 14; // merged slices of a track that are looked at one by one
const WIDE = 1.25; // a slice narrower than this is merged, in pixels

// scan walks the slices of track that overlap [a, b). left and scale say where
// a is and how many pixels a nanosecond has. sink.slice(x, width, i) is called
// for wide ones; sink.column(x, width, share, seen) for columns of merged ones, with
// the share of the column's time per shade and the set of shades that have one, as bits: a
// picture has tens of thousands of columns, most with two or three of all shades. With a mask only slices whose byte is
// not zero are seen. sink.narrow(x, width, i), where there is one, is called for merged
// ones, of very many for some: each for as many as are left out.
export function scan(track, a, b, left, scale, sink, mask) {
  const {start, end, n} = track;
  const shade = track.shade ?? track.kind;
  const column = new Column(sink);
  const {time} = column;
  const first = firstEndingAfter(end, a);
  const every = Math.ceil((firstEndingAfter(end, b) - first + 1) / MOST_TOLD);
  const origin = left - a * scale;
  // A picture of a whole trace comes here for every slice that there is.
  for (let i = first; i < n; i++) {
    const from = start[i];
    if (from >= b) break;
    if (mask && mask[i] === 0) continue;
    const to = end[i];
    const x = from > a ? origin + from * scale : left;
    const width = (to < b ? origin + to * scale : origin + b * scale) - x;
    if (width < WIDE) {
      if (x >= column.until) column.open(x);
      const k = shade[i];
      time[k] += width;
      column.seen |= 1 << k;
      if (sink.narrow && i % every === 0) sink.narrow(x, width * every, i);
      continue;
    }
    if (column.seen !== 0) column.close(x);
    sink.slice(x, width, i);
    column.edge = x + width;
  }
  column.close(Infinity);
}

// Column gathers narrow slices until one lies beyond it.
class Column {
  constructor(sink) {
    this.sink = sink;
    this.time = new Float64Array(SHADES); // in pixels
    this.seen = 0; // the shades that have some, as a set of bits; none before a column is open
    this.edge = 0; // where the last wide slice ended
    this.from = 0;
    this.until = -Infinity; // where it ends; none is open
  }

  // open begins the column that x is in.
  open(x) {
    this.close(Infinity);
    const index = Math.floor(x / COLUMN);
    this.from = index * COLUMN;
    this.until = (index + 1) * COLUMN;
  }

  // close tells of what was gathered, if anything was; something else stands from limit on.
  close(limit) {
    if (this.seen === 0) return;
    const x = Math.max(this.edge, this.from);
    const width = Math.max(0.5, Math.min(limit, this.until) - x);
    const {time} = this;
    let sum = 0;
    for (let rest = this.seen; rest !== 0; rest &= rest - 1) sum += time[lowest(rest)];
    const whole = Math.max(width, sum); // a column cut short by a wide slice may have more
    for (let rest = this.seen; rest !== 0; rest &= rest - 1) time[lowest(rest)] /= whole;
    this.sink.column(x, width, time, this.seen);
    for (let rest = this.seen; rest !== 0; rest &= rest - 1) time[lowest(rest)] = 0;
    this.seen = 0;
    this.until = -Infinity;
  }
}

// lowest is the number of the lowest bit of a set that is not empty.
export function lowest(bits) {
  return 31 - Math.clz32(bits & -bits);
}

// scanTiles is scan for the coarse picture: tiles hold shares of columns that
// are width nanoseconds long, the first of which begins at zero.
export function scanTiles(tiles, width, a, b, left, scale, sink) {
  const share = new Float64Array(SHADES);
  const last = Math.min(tiles.columns, Math.ceil(b / width));
  for (let c = Math.max(0, Math.floor(a / width)); c < last; c++) {
    let seen = 0;
    for (let k = 0; k < tiles.kinds; k++) {
      share[k] = tiles.share[k * tiles.columns + c] / 255;
      if (share[k] > 0) seen |= 1 << k;
    }
    const x = left + (Math.max(a, c * width) - a) * scale;
    const right = left + (Math.min(b, (c + 1) * width) - a) * scale;
    sink.column(x, right - x, share, seen);
  }
}

// at is the index of the slice of track that covers an instant, or -1.
export function at(track, instant) {
  const i = firstEndingAfter(track.end, instant);
  return i < track.n && track.start[i] <= instant ? i : -1;
}
