// Who made whom runnable, who waited meanwhile, where a goroutine ran before and
// after. A slice is named by {track, i}: a track of a P, and a place in it.
import {waker} from './decode.js';
import {firstEndingAfter} from './span.js';

// ROUNDING is how far off rounded waits are at most: see render/page_block.go.
const ROUNDING = 0.0626;

// slack is how far off the instant is at which slice i's goroutine became runnable.
function slack(view, track, i) {
  return view.rounded ? track.wait[i] * ROUNDING + 64 : 64;
}

// wakeUp is how the goroutine of a slice became runnable: {ready, wait, who, by},
// by being the waker's slice where it is kept. null where the slice goes on after
// a stop, or nothing is known.
export function wakeUp(view, {track, i}) {
  if ((track.from[i] & 127) === 0) return null;
  const wait = track.wait[i];
  const ready = track.start[i] - wait;
  const who = waker(track, i, view.who);
  const by = who < 0 ? null : nearest(view, view.who.g[who], ready, slack(view, track, i));
  return {ready: by ? Math.max(by.track.start[by.i], Math.min(by.track.end[by.i], ready)) : ready, wait, who, by};
}

// nearest is the slice of goroutine g that covers an instant or is the closest to
// it, at most slack away.
export function nearest(view, g, instant, slack) {
  let best = null;
  let distance = slack;
  for (const track of view.tracks) {
    for (let i = firstEndingAfter(track.end, instant - slack - 1); i < track.n && track.start[i] <= instant + slack; i++) {
      if (view.who.g[track.who[i]] !== g) continue;
      const away = Math.max(0, track.start[i] - instant, instant - track.end[i]);
      if (away < distance || (away === distance && !best)) [best, distance] = [{track, i}, away];
    }
  }
  return best;
}

// following is the next slice of the goroutine of a slice, or with by = -1 the
// one before; null where none is kept.
export function following(view, {track, i}, by) {
  const g = view.who.g[track.who[i]];
  if (g < 0) return null;
  return by > 0 ? after(view, g, track.end[i]) : before(view, g, track.start[i]);
}

function after(view, g, instant) {
  let best = null;
  let limit = Infinity;
  for (const track of view.tracks) {
    for (let i = firstEndingAfter(track.end, instant); i < track.n && track.start[i] < limit; i++) {
      if (view.who.g[track.who[i]] !== g || track.start[i] < instant) continue;
      [best, limit] = [{track, i}, track.start[i]];
      break;
    }
  }
  return best;
}

function before(view, g, instant) {
  let best = null;
  let limit = -Infinity;
  for (const track of view.tracks) {
    for (let i = firstEndingAfter(track.end, instant) - 1; i >= 0 && track.end[i] > limit; i--) {
      if (view.who.g[track.who[i]] !== g) continue;
      [best, limit] = [{track, i}, track.end[i]];
      break;
    }
  }
  return best;
}

// waited are the goroutines that were runnable during a slice and are known to
// have run later: [{who, ns, slice}], longest first. Who had not run when the
// trace ended, or ran where slices were left out, is missing.
export function waited(view, {track, i}) {
  const [a, b] = [track.start[i], track.end[i]];
  const out = new Map();
  for (const t of view.tracks) {
    for (let k = firstEndingAfter(t.end, a); k < t.n; k++) {
      if (t.start[k] - t.wait[k] >= b || t.start[k] <= a || t.wait[k] === 0) continue;
      const ns = Math.min(b, t.start[k]) - Math.max(a, t.start[k] - t.wait[k]);
      if (ns <= 0) continue;
      const seen = out.get(t.who[k]);
      if (!seen) out.set(t.who[k], {who: t.who[k], ns, slice: {track: t, i: k}});
      else seen.ns += ns;
    }
  }
  return [...out.values()].sort((x, y) => y.ns - x.ns || x.who - y.who);
}

// woke are the slices whose goroutines the goroutine of a slice made runnable
// during it, in order of time.
export function woke(view, {track, i}) {
  const g = view.who.g[track.who[i]];
  if (g < 0) return [];
  const out = [];
  for (const t of view.tracks) {
    for (let k = firstEndingAfter(t.end, track.start[i]); k < t.n; k++) {
      if (t.by[k] === 0) continue;
      const ready = t.start[k] - t.wait[k];
      const room = slack(view, t, k);
      if (ready < track.start[i] - room || ready > track.end[i] + room) continue;
      const by = waker(t, k, view.who);
      if (by >= 0 && view.who.g[by] === g) out.push({who: t.who[k], ns: t.wait[k], slice: {track: t, i: k}});
    }
  }
  return out.sort((x, y) => x.slice.track.start[x.slice.i] - y.slice.track.start[y.slice.i]);
}
