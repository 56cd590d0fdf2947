// How long goroutines were neither running nor runnable after each of their slices.
import {SYSCALL, together} from './rows.js';

// after is a Map from the tracks of Ps to the lengths by slice, in nanoseconds: 0
// where the goroutine went on, was in a system call, or is not known to have run again.
export function after(view) {
  const out = new Map(view.tracks.map((t) => [t, new Float32Array(t.n)]));
  const last = new Map(); // by goroutine: the slice before
  inOrder(view.tracks, (track, i) => {
    const g = view.who.g[track.who[i]];
    if (g < 0) return;
    const before = last.get(g);
    if (!before) last.set(g, {track, i});
    else {
      if ((track.from[i] & 127) !== 0) note(view, out, before, track.start[i] - track.wait[i]);
      [before.track, before.i] = [track, i];
    }
  });
  return out;
}

function note(view, out, {track, i}, ready) {
  const end = track.end[i];
  if (ready > end && track.kind[i] !== SYSCALL && together(view, end, ready)) out.get(track)[i] = ready - end;
}

// inOrder visits the slices of all tracks in order of their starts.
function inOrder(tracks, visit) {
  const next = tracks.map(() => 0);
  for (;;) {
    let first = -1;
    let start = Infinity;
    for (let k = 0; k < tracks.length; k++) {
      const t = tracks[k];
      if (next[k] < t.n && t.start[next[k]] < start) [first, start] = [k, t.start[next[k]]];
    }
    if (first < 0) return;
    visit(tracks[first], next[first]++);
  }
}
