// Sums over a selection of the timeline: a part of its time, of all rows or of some.
import {links} from './absent.js';
import {KINDS} from './scan.js';
import {SYSCALL} from './rows.js';
import {parts} from './span.js';

// prepare gives every slice the number of where it ended: a name and one of the stops that
// its slices end with (0 for none), as decode.Stops has them. A slice after which its
// goroutine just went on has that of the next. 0 is for slices of no goroutine.
export function prepare(view) {
  if (view.ends) return view.ends;
  const {tracks, who, stops} = view;
  const {offset} = links(view);
  const base = new Uint32Array(stops.places.length + 1);
  let size = 1;
  stops.places.forEach((list, name) => {
    base[name] = size;
    size += list.length + 1;
  });
  const first = Uint32Array.from(who.g, (g, k) => (g < 0 ? 0 : base[who.name[k]] ?? 0));
  const end = new Uint32Array(offset[tracks.length]);
  tracks.forEach((t, k) => {
    for (let i = t.n - 1, at = offset[k + 1] - 1; i >= 0; i--, at--) {
      const person = t.who[i];
      const goesOn = t.place[i] === 0 && i + 1 < t.n && t.who[i + 1] === person;
      end[at] = first[person] === 0 ? 0 : goesOn ? end[at + 1] : first[person] + t.place[i];
    }
  });
  view.ends = {end, first, size, list: endList(view, base, size)};
  return view.ends;
}

// endList says of each number what it stands for: {name, stop}.
function endList({stops}, base, size) {
  const list = new Array(size);
  list[0] = {name: -1, stop: stops.of(0)};
  stops.places.forEach((places, name) => {
    list[base[name]] = {name, stop: stops.of(0)};
    places.forEach((id, i) => { list[base[name] + 1 + i] = {name, stop: stops.of(id)}; });
  });
  return list;
}

// sum adds up what happened in [from, to): of all rows, or where there is a choice
// {ps, gs, ms} of Sets of what is on those Ps, of those goroutines and on those threads.
// Waits are of the row on which they ended. All that is by the number of an end:
// see prepare.
export function sum(view, {from, to, choice}) {
  const ends = prepare(view);
  const by = () => new Float64Array(ends.size);
  const names = view.stops.places.length + 1;
  const out = {
    from, to, kinds: new Float64Array(KINDS), ran: by(), called: by(), waited: by(), gone: by(), calledAway: by(), leftFor: by(), left: new Uint32Array(ends.size), stopped: new Uint32Array(ends.size),
    sources: new Uint32Array(128), certain: new Uint32Array(128), sourceWait: new Float64Array(128), slices: 0, longestWait: 0,
    wakers: new Uint32Array(names + 1), wakersTime: new Float64Array(names + 1), // by name, the last for nobody
    kept: 0, procs: 0, list: ends.list,
  };
  for (const [a, b, kept] of parts([from, to], view.kept)) if (kept) out.kept += b - a;
  const people = choice && choice.gs.size > 0 ? Uint8Array.from(view.who.g, (g) => (choice.gs.has(g) ? 1 : 0)) : null;
  view.tracks.forEach((t, k) => {
    const whole = !choice || choice.ps.has(t.p);
    if (whole) out.procs++;
    if (!whole && !people && choice.ms.size === 0) return;
    const fits = whole ? null : (i) => people?.[t.who[i]] === 1 || choice.ms.has(t.m[i]);
    addTrack(view, out, t, k, {...ends, stays: blocked(view, ends)}, fits);
  });
  return out;
}

// blocked tells by the number of an end whether goroutines are blocked after it. Nobody is
// known to stay so where slices were left out.
function blocked(view, ends) {
  ends.blocked ??= Uint8Array.from(ends.list, ({stop}) => (view.whole && stop.why.startsWith('blocked') ? 1 : 0));
  return ends.blocked;
}

function addTrack(view, out, t, k, {end: ends, first, stays}, fits) {
  const {from: a, to: b} = out;
  const {before, gone, offset, final} = view.links;
  const {g: ids, name: names} = view.who;
  const nobody = out.wakers.length - 1;
  const {start, end, kind, from, wait, by, who, place} = t;
  let runner = -1; // the person of the slice before: see decode.waker
  for (let i = 0, at = offset[k]; i < t.n; i++, at++) {
    const s = start[i];
    const e = end[i];
    const person = who[i];
    const beforeIt = runner;
    if (ids[person] >= 0) runner = person;
    if (fits && !fits(i)) continue;
    const here = ends[at];
    const ran = Math.min(e, b) - Math.max(s, a);
    if (final[at] === 1 && stays[here] === 1 && e < b) {
      out.left[here]++;
      out.leftFor[here] += b - Math.max(e, a);
    }
    if (ran > 0) {
      out.slices++;
      out.kinds[kind[i]] += ran;
      if (here === 0) continue; // of no goroutine
      if (kind[i] === SYSCALL) out.called[here] += ran;
      else out.ran[here] += ran;
    }
    if (place[i] !== 0 && e >= a && e < b) out.stopped[here]++;
    const source = from[i] & 127;
    if (source === 0) continue;
    if (s >= a && s < b) {
      out.sources[source]++;
      out.certain[source] += from[i] >> 7;
      out.sourceWait[source] += wait[i];
      if (wait[i] > out.longestWait) out.longestWait = wait[i];
    }
    const ready = s - wait[i];
    const last = before[at];
    const stopped = last < 0 ? first[person] : ends[last];
    const waited = Math.min(s, b) - Math.max(ready, a);
    if (waited > 0) out.waited[stopped] += waited;
    if (last < 0 || gone[last] === 0) continue;
    const lasted = Math.min(ready, b) - Math.max(ready - Math.abs(gone[last]), a);
    if (lasted <= 0) continue;
    if (gone[last] < 0) {
      out.calledAway[stopped] += lasted;
      continue;
    }
    out.gone[stopped] += lasted;
    const waker = by[i] === 0 ? -1 : by[i] === 1 ? beforeIt : by[i] - 2;
    const woke = waker < 0 ? nobody : Math.min(names[waker], nobody);
    out.wakers[woke]++;
    out.wakersTime[woke] += lasted;
  }
}

// total adds up a column.
export function total(column) {
  let ns = 0;
  for (const v of column) ns += v;
  return ns;
}

// grouped adds the columns of a sum up by what key says of an end {name, stop}; '' is
// left out. The list has those with most of the first column first.
export function grouped(sums, key, columns) {
  const found = new Map();
  for (let at = 1; at < sums.list.length; at++) {
    let any = 0;
    for (const c of columns) any += sums[c][at];
    if (any === 0) continue;
    const text = key(sums.list[at]);
    if (text === '') continue;
    let row = found.get(text);
    if (!row) {
      row = {text, values: columns.map(() => 0)};
      found.set(text, row);
    }
    columns.forEach((c, i) => { row.values[i] += sums[c][at]; });
  }
  const order = (x, y) => {
    for (let i = 0; i < columns.length; i++) if (x.values[i] !== y.values[i]) return y.values[i] - x.values[i];
    return x.text < y.text ? -1 : 1;
  };
  return [...found.values()].sort(order);
}
