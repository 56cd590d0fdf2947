// What the page says about a place on the timeline, as lines of plain text.
import {count, dur, offset, pct} from './format.js';
import {original} from './rows.js';
import {at} from './scan.js';

// describe is {title, lines} of an instant on a row.
export function describe(view, meta, row, instant) {
  const stop = view.ranges.find((r) => r.stw && instant >= r.start && instant < r.end);
  const {track, label, lane} = view.rows[row];
  if (lane) {
    const i = at(lane.track, instant);
    return i >= 0 ? lane.describe(row, i) : {title: label, lines: [`at ${moment(instant, view)}`, lane.nothing]};
  }
  if (view.keeps(instant)) {
    const i = track ? at(track, instant) : -1;
    if (i >= 0) return slice(view, meta, row, i, stop);
    return {title: `${label} · ${view.rows[row].p >= 0 ? 'idle' : 'nothing known'}`, lines: [`at ${moment(instant, view)}`, ...stopped(stop)]};
  }
  return {title: `${label} · overview`, lines: [...coarse(view, meta, row, instant), ...stopped(stop)]};
}

// slice describes slice i of a row.
export function slice(view, meta, row, index, stop) {
  if (view.rows[row].lane) return view.rows[row].lane.describe(row, index);
  let i = index;
  const {label, track: shown} = view.rows[row];
  const from = original(shown, i);
  if (!from) return between(view, meta, row, i, stop);
  const {track} = from;
  const home = track.p === view.rows[row].p ? '' : ` on P${track.p}`;
  i = from.i;
  const [start, end] = [track.start[i], track.end[i]];
  return {
    title: `${label} · ${meta.kinds[track.kind[i]]}${home}`,
    lines: [
      person(view, meta, from),
      ...lastSeen(view, meta, from),
      `${dur(end - start)}, from ${moment(start, view)}`,
      ...source(meta, track.from[i]),
      ...wait(view, track, i),
      ...stopped(stop),
    ],
    range: {row, i: index, start, end},
    slice: from,
  };
}

// person is the goroutine of a slice, with its function's full name.
function person(view, meta, {track, i}) {
  const who = track.who[i];
  const name = meta.names[view.who.name[who]];
  return view.who.g[who] < 0 ? 'no goroutine' : `G${view.who.g[who]}${name && name[1] ? ` ${name[1]}` : ''}`;
}

// lastSeen is the call that a slice is labelled with, where that is not what runs.
function lastSeen(view, meta, {track, i}) {
  const label = view.labels[track.label[i]];
  return label && label !== meta.names[view.who.name[track.who[i]]]?.[0] && label !== `G${view.who.g[track.who[i]]}` ? [`last seen in ${label}`] : [];
}

// where is the innermost calls that a slice stopped in.
function where(view, slice) {
  const calls = slice ? view.stopOf(slice).stack.slice(0, 3).map(([fn]) => fn) : [];
  return calls.length > 0 ? [`in ${calls.join(' ← ')}`] : [];
}

// wait says how long the goroutine had been runnable.
function wait(view, track, i) {
  if ((track.from[i] & 127) === 0) return [];
  return [`runnable for ${view.rounded ? 'about ' : ''}${dur(track.wait[i])} before`];
}

// between describes a stretch of a row in which nothing ran. Of a goroutine's, the
// slice before says where it stopped.
function between(view, meta, row, i, stop) {
  const {label, track, g} = view.rows[row];
  const before = g >= 0 && i > 0 ? original(track, i - 1) ?? undefined : undefined;
  const [start, end] = [track.start[i], track.end[i]];
  return {
    title: `${label} · ${track.why[i] || view.kinds[track.kind[i]]}`,
    lines: [...(before ? [person(view, meta, before)] : []), `${dur(end - start)}, from ${moment(start, view)}`, ...where(view, before), ...stopped(stop)],
    range: {row, i, start, end},
    slice: before,
  };
}

// source says where the goroutine was dispatched from; nothing where unknown.
function source(meta, from) {
  const id = from & 127;
  if (id === 0) return [];
  return [`dispatched from ${meta.sources[id]} (${from & 128 ? 'certain' : 'likely: other places fit as well'})`];
}

function stopped(stop) {
  return stop ? [`the world is stopped for ${dur(stop.end - stop.start)}: ${stop.cause}`] : [];
}

function coarse(view, meta, row, instant) {
  const {tiles} = view.rows[row];
  if (!tiles) return ['nothing is known about this moment'];
  const c = Math.min(tiles.columns - 1, Math.floor(instant / view.tileWidth));
  const lines = [`${dur(view.tileWidth)} from ${moment(c * view.tileWidth, view)}, slices left out`];
  for (let k = 0; k < tiles.kinds; k++) {
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
