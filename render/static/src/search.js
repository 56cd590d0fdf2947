// Search: which slices fit a goroutine, a function, a state and a length.
import * as absent from './absent.js';

// WAITED is the state of having been runnable before a slice, AWAY that of having
// been blocked after it; other states are kinds of slices, or why it ended.
export const WAITED = 'waited';
export const AWAY = 'away';

const ID = /^g?(\d{1,15})$/i;
const BLOCKED = /^blocked\b/;

// parseLength reads "1.5 ms"; NaN for what is no length, 0 for nothing.
export function parseLength(text) {
  const trimmed = text.trim();
  if (trimmed === '') return 0;
  const m = /^(\d+(?:[.,]\d+)?)\s*(ns|us|µs|μs|ms|s)?$/i.exec(trimmed);
  if (!m) return NaN;
  const unit = {ns: 1, us: 1e3, 'µs': 1e3, 'μs': 1e3, ms: 1e6, s: 1e9}[(m[2] ?? 'ms').toLowerCase()];
  return Number(m[1].replace(',', '.')) * unit;
}

// people tells for every person whether its goroutine or function fits a text:
// G12 or 12 is an id, words must all be in the function's name.
export function people(who, names, text) {
  const id = ID.exec(text.trim());
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = names.map((name) => words.every((w) => name[1].toLowerCase().includes(w)));
  return Uint8Array.from(who.g, (g, k) => ((id ? g === Number(id[1]) : words.length === 0 || fits[who.name[k]]) ? 1 : 0));
}

// stacks tells for every stop whether a call on its stack has all words of a text in its
// name.
export function stacks(stops, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 || ID.test(text.trim())) return new Uint8Array(stops.list.length);
  const fits = new Map();
  const fit = (call) => {
    if (!fits.has(call)) fits.set(call, words.every((w) => call[0].toLowerCase().includes(w)));
    return fits.get(call);
  };
  return Uint8Array.from(stops.list, (stop) => (stop.stack.some(fit) ? 1 : 0));
}

// measure returns the function that says how much of what is looked for a slice
// shows, in nanoseconds; 0 where it shows none.
function measure(view, kind) {
  const length = (track, i) => track.end[i] - track.start[i];
  if (kind === '') return length;
  if (kind === WAITED) return (track, i) => track.wait[i];
  if (/^\d+$/.test(kind)) return (track, i) => (track.kind[i] === Number(kind) ? length(track, i) : 0);
  const fits = kind === AWAY ? (why) => BLOCKED.test(why) : (why) => why === kind;
  const ids = new Set(view.stops.list.flatMap((stop, id) => (fits(stop.why) ? [id] : [])));
  const stopped = (track, i) => ids.has(view.stops.id(view.who.name[track.who[i]], track.place[i]));
  if (!BLOCKED.test(kind) && kind !== AWAY) return (track, i) => (stopped(track, i) ? length(track, i) : 0);
  view.absent ??= absent.after(view);
  return (track, i) => (stopped(track, i) ? view.absent.get(track)[i] : 0);
}

// find is what fits a query {text, kind, least}, a slice where its goroutine does or a call
// on the stack that it stopped with: masks are a byte per slice by
// track, found the goroutines, those with most time first.
export function find(view, names, {text, kind, least}) {
  const wanted = people(view.who, names, text);
  const called = stacks(view.stops, text);
  const measured = measure(view, kind);
  const masks = new Map();
  const found = new Map();
  for (const track of view.tracks) {
    const mask = new Uint8Array(track.n);
    for (let i = 0; i < track.n; i++) {
      if (wanted[track.who[i]] === 0 && called[view.stops.id(view.who.name[track.who[i]], track.place[i])] === 0) continue;
      const ns = measured(track, i);
      if (ns < least || ns === 0) continue;
      mask[i] = 1;
      note(found, track, i, ns);
    }
    masks.set(track, mask);
  }
  return {masks, found: [...found.values()].filter((f) => view.who.g[f.who] >= 0).sort((a, b) => b.total - a.total || a.who - b.who)};
}

function note(found, track, i, ns) {
  const who = track.who[i];
  const f = found.get(who);
  if (!f) {
    found.set(who, {who, n: 1, total: ns, longest: ns, slice: {track, i}});
    return;
  }
  f.n++;
  f.total += ns;
  if (ns > f.longest) [f.longest, f.slice] = [ns, {track, i}];
}

// maskOf is the mask of a row's track, which may be put together of others.
export function maskOf(masks, track) {
  if (!track.of) return masks.get(track);
  const mask = Uint8Array.from(track.of, (t, i) => (t ? masks.get(t)?.[track.at[i]] ?? 0 : 0));
  for (let i = 1; i < track.n; i++) if (!track.of[i] && track.why[i]) mask[i] = mask[i - 1]; // a stop and what came of it
  return mask;
}
