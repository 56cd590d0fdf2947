// What the page says about a place on the timeline, as lines of plain text.
import {count, dur, offset, pct} from './format.js';
import {KINDS, at} from './scan.js';

// describe is {title, lines} of an instant on a row.
export function describe(view, meta, row, instant) {
  const stop = view.ranges.find((r) => r.stw && instant >= r.start && instant < r.end);
  const {track, p} = view.rows[row];
  if (view.keeps(instant)) {
    const i = track ? at(track, instant) : -1;
    if (i >= 0) return slice(view, meta, row, i, stop);
    return {title: `P${p} · idle`, lines: [`at ${moment(instant, view)}`, ...stopped(stop)]};
  }
  return {title: `P${p} · overview`, lines: [...coarse(view, meta, row, instant), ...stopped(stop)]};
}

// slice describes slice i of a row.
export function slice(view, meta, row, i, stop) {
  const {track, p} = view.rows[row];
  const [start, end] = [track.start[i], track.end[i]];
  const who = track.who[i];
  const g = view.who.g[who];
  const name = meta.names[view.who.name[who]];
  return {
    title: `P${p} · ${meta.kinds[track.kind[i]]}`,
    lines: [
      g < 0 ? 'no goroutine' : `G${g}${name && name[1] ? ` ${name[1]}` : ''}`,
      `${dur(end - start)}, from ${moment(start, view)}`,
      ...source(meta, track.from[i]),
      ...stopped(stop),
    ],
    range: {row, i, start, end},
  };
}

// source says where the goroutine was dispatched from; nothing where unknown.
function source(meta, from) {
  const id = from & 127;
  if (id === 0) return [];
  return [`dispatched from ${meta.sources[id]} (${from & 128 ? 'certain' : 'likely: other sources fit as well'})`];
}

function stopped(stop) {
  return stop ? [`the world is stopped for ${dur(stop.end - stop.start)}: ${stop.cause}`] : [];
}

function coarse(view, meta, row, instant) {
  const {tiles} = view.rows[row];
  if (!tiles) return ['nothing is known about this moment'];
  const c = Math.min(tiles.columns - 1, Math.floor(instant / view.tileWidth));
  const lines = [`${dur(view.tileWidth)} from ${moment(c * view.tileWidth, view)}, slices left out`];
  for (let k = 0; k < KINDS; k++) {
    const share = tiles.share[k * tiles.columns + c] / 255;
    if (share > 0) lines.push(`${pct(share)} ${meta.kinds[k]}`);
  }
  return lines;
}

function moment(instant, view) {
  return offset(instant, Math.min(view.window[1] - view.window[0], 1e6));
}

// runnable says how many goroutines were runnable at an instant.
export function runnable(view, instant) {
  const i = view.firstDepth(instant);
  const n = i > 0 ? view.depth.runnable[i - 1] : 0;
  return `${count(n)} runnable at ${moment(instant, view)}`;
}
