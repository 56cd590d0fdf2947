// Search: which slices fit a goroutine, a function, a state and a length.

// WAITED is the state of having been runnable before a slice; other states are
// kinds of slices.
export const WAITED = 'waited';

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
  const id = /^g?(\d{1,15})$/i.exec(text.trim());
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = names.map((name) => words.every((w) => name[1].toLowerCase().includes(w)));
  return Uint8Array.from(who.g, (g, k) => ((id ? g === Number(id[1]) : words.length === 0 || fits[who.name[k]]) ? 1 : 0));
}

// find is what fits a query {text, kind, least}: masks are a byte per slice by
// track, found the goroutines, those with most time first.
export function find(view, names, {text, kind, least}) {
  const wanted = people(view.who, names, text);
  const masks = new Map();
  const found = new Map();
  for (const track of view.tracks) {
    const mask = new Uint8Array(track.n);
    for (let i = 0; i < track.n; i++) {
      const ns = kind === WAITED ? track.wait[i] : track.end[i] - track.start[i];
      if (wanted[track.who[i]] === 0 || ns < least || (kind === WAITED ? ns === 0 : kind !== '' && track.kind[i] !== Number(kind))) continue;
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
  return Uint8Array.from(track.of, (t, i) => (t ? masks.get(t)?.[track.at[i]] ?? 0 : 0));
}
