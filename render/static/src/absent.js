// What each slice's goroutine did before and after it, as far as slices are kept.
import {SYSCALL} from './rows.js';
import {keptThrough} from './span.js';

// links joins the slices of each goroutine. Slices of all tracks are numbered: slice i of
// track k is offset[k] + i. before is the number of the goroutine's slice before, -1 for
// none; gone is how long it was neither running nor runnable after a slice, in
// nanoseconds: negative where it was in a system call without a P, 0 where it went on or
// is not known to have run again; final is 1 for the last slice of each goroutine.
export function links(view) {
  if (view.links) return view.links;
  const {tracks, who} = view;
  const offset = new Uint32Array(tracks.length + 1);
  tracks.forEach((t, k) => { offset[k + 1] = offset[k] + t.n; });
  const n = offset[tracks.length];
  const before = new Int32Array(n).fill(-1);
  const gone = new Float32Array(n);
  const goroutine = numbers(who.g);
  const last = new Int32Array(goroutine.count).fill(-1); // its slice before
  const end = new Float64Array(goroutine.count);
  const called = new Uint8Array(goroutine.count);
  inOrder(tracks, (t, i, k) => {
    const g = goroutine.of[t.who[i]];
    if (g < 0) return;
    const at = last[g];
    if (at >= 0) {
      before[offset[k] + i] = at;
      const ready = t.start[i] - t.wait[i];
      if ((t.from[i] & 127) !== 0 && ready > end[g] && keptThrough(view.kept, end[g], ready)) gone[at] = called[g] ? end[g] - ready : ready - end[g];
    }
    last[g] = offset[k] + i;
    end[g] = t.end[i];
    called[g] = t.kind[i] === SYSCALL ? 1 : 0;
  });
  const final = new Uint8Array(n);
  for (const at of last) if (at >= 0) final[at] = 1;
  view.links = {offset, before, gone, final};
  return view.links;
}

// after is a Map from the tracks of Ps to how long goroutines were blocked after each of
// their slices, in nanoseconds: see links; 0 where they were in a system call.
export function after(view) {
  const {offset, gone} = links(view);
  return new Map(view.tracks.map((t, k) => [t, gone.subarray(offset[k], offset[k + 1]).map((ns) => Math.max(0, ns))]));
}

// numbers gives people the numbers of their goroutines, -1 for nobody.
function numbers(ids) {
  const seen = new Map();
  const of = Int32Array.from(ids, (g) => {
    if (g < 0) return -1;
    if (!seen.has(g)) seen.set(g, seen.size);
    return seen.get(g);
  });
  return {of, count: seen.size};
}

// inOrder visits the slices of all tracks in order of their starts.
export function inOrder(tracks, visit) {
  const next = new Int32Array(tracks.length);
  const start = (k) => tracks[k].start[next[k]];
  const earlier = (a, b) => start(a) < start(b) || (start(a) === start(b) && a < b);
  const heap = []; // tracks that have slices left, the one whose next is first on top
  const sink = (from) => {
    let i = from;
    for (;;) {
      const left = 2 * i + 1;
      if (left >= heap.length) return;
      const least = left + 1 < heap.length && earlier(heap[left + 1], heap[left]) ? left + 1 : left;
      if (!earlier(heap[least], heap[i])) return;
      [heap[i], heap[least]] = [heap[least], heap[i]];
      i = least;
    }
  };
  tracks.forEach((t, k) => { if (t.n > 0) heap.push(k); });
  for (let i = heap.length >> 1; i >= 0; i--) sink(i);
  while (heap.length > 0) {
    const k = heap[0];
    visit(tracks[k], next[k]++, k);
    if (next[k] === tracks[k].n) {
      const last = heap.pop();
      if (heap.length > 0) heap[0] = last;
    }
    sink(0);
  }
}
