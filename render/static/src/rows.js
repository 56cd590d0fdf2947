// Rows of one goroutine or one thread: tracks that are put together of the slices
// of all Ps. Slice i of such a track is slice at[i] of the P track of[i]; where
// of[i] is null it is a stretch in between.
import {keptThrough} from './span.js';

export const RUNNABLE = 6; // kinds after those of analyze.SliceKind
export const AWAY = 7;

export const SYSCALL = 4; // analyze.SliceSyscall

// goroutine is the track of goroutine g: where it ran, when it was runnable, and
// when it was neither and why, as far as slices are kept.
export function goroutine(view, g) {
  const people = new Uint8Array(view.who.g.length);
  for (let k = 0; k < people.length; k++) people[k] = view.who.g[k] === g ? 1 : 0;
  const ran = collect(view, (t, i) => people[t.who[i]] === 1);
  const out = [];
  let last = null;
  for (const s of ran) {
    const {track, i} = s;
    const end = last ? last.end : -1;
    const ready = (track.from[i] & 127) === 0 ? s.start : Math.max(end, s.start - track.wait[i]);
    if (last && ready > end && keptThrough(view.kept, end, ready)) out.push({start: end, end: ready, ...absence(view, last)});
    if (ready < s.start) out.push({start: ready, end: s.start, kind: RUNNABLE});
    out.push(s);
    last = s;
  }
  return columns(out, people.indexOf(1));
}

// absence is what a goroutine did after a slice, until it was runnable again.
function absence(view, slice) {
  if (slice.kind === SYSCALL) return {kind: SYSCALL, why: 'system call without a P'};
  return {kind: AWAY, why: view.stopOf(slice).why || view.kinds[AWAY]};
}

// threads are the tracks of the threads that did most, at most most of them, in
// order of the system's ids.
export function threads(view, calls, most) {
  const busy = new Map();
  const lists = new Map();
  const add = (m, s) => {
    if (m < 0) return;
    if (!lists.has(m)) lists.set(m, []);
    lists.get(m).push(s);
    busy.set(m, (busy.get(m) ?? 0) + s.end - s.start);
  };
  for (const track of view.tracks) {
    for (let i = 0; i < track.n; i++) add(track.m[i], {start: track.start[i], end: track.end[i], kind: track.kind[i], track, i});
  }
  for (let i = 0; i < calls.n; i++) add(calls.m[i], {start: calls.start[i], end: calls.end[i], kind: SYSCALL, why: 'system call without a P'});
  const order = [...busy].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, most).map(([m]) => m).sort((a, b) => view.threads[a] - view.threads[b]);
  return order.map((m) => ({m, track: columns(lists.get(m).sort((a, b) => a.start - b.start), 0)}));
}

// count is how many threads the kept slices show.
export function count(view) {
  const seen = new Set();
  for (const track of view.tracks) for (let i = 0; i < track.n; i++) if (track.m[i] >= 0) seen.add(track.m[i]);
  return seen.size;
}

function collect(view, wanted) {
  const out = [];
  for (const track of view.tracks) {
    for (let i = 0; i < track.n; i++) if (wanted(track, i)) out.push({start: track.start[i], end: track.end[i], kind: track.kind[i], track, i});
  }
  return out.sort((a, b) => a.start - b.start);
}

function columns(list, nobody) {
  const n = list.length;
  const t = {n, start: new Float64Array(n), end: new Float64Array(n), kind: new Uint8Array(n), shade: new Uint8Array(n), who: new Uint32Array(n), of: [], at: new Uint32Array(n), why: []};
  list.forEach((s, i) => {
    t.start[i] = s.start;
    t.end[i] = s.end;
    t.kind[i] = s.kind;
    t.shade[i] = s.track?.shade?.[s.i] ?? s.kind;
    t.of.push(s.track ?? null);
    t.why.push(s.why ?? '');
    t.at[i] = s.i ?? 0;
    t.who[i] = s.track ? s.track.who[s.i] : nobody;
  });
  return t;
}

// original is the slice of a P that slice i of a track is; null for a stretch in
// between.
export function original(track, i) {
  if (!track.of) return {track, i};
  return track.of[i] ? {track: track.of[i], i: track.at[i]} : null;
}
