import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as rows from '../src/rows.js';
import * as search from '../src/search.js';
import * as wake from '../src/wake.js';

// made is a view of tracks given as [start, end, person, wait, waker + 2 or 0, kind, stop].
function made(...tracks) {
  const built = tracks.map((slices, p) => {
    const pick = (k, Type) => Type.from(slices, (s) => s[k] ?? 0);
    return {
      p, n: slices.length, start: pick(0, Float64Array), end: pick(1, Float64Array), who: pick(2, Uint32Array), wait: pick(3, Float32Array),
      by: pick(4, Uint32Array), kind: pick(5, Uint8Array), from: Uint8Array.from(slices, (s) => (s[3] === undefined ? 0 : 1)), m: Int32Array.from(slices, () => p), place: pick(6, Uint16Array),
    };
  });
  const list = ['', 'blocked: select', 'ended'].map((why) => ({why, stack: []}));
  const stops = {list, id: (name, place) => place};
  return {
    tracks: built, who: {g: [10, 11, 12, -1], name: [0, 1, 1, 0]}, kept: [[0, 1000]], rounded: false, kinds: ['user', '', '', '', '', '', 'runnable', 'away'],
    stops, stopOf: ({track, i}) => list[track.place[i]],
  };
}

// G10 makes G11 runnable at 30 and G12 at 40; G11 runs on the other P at 60, G12 on its own at 100.
// G10 blocks in a select at 50, G12 ends at 120.
const view = made([[10, 50, 0, 0, 0, 0, 1], [100, 120, 2, 60, 2, 0, 2], [200, 300, 0, 20, 0]], [[60, 90, 1, 30, 2], [90, 95, 3], [95, 99, 1]]);
const [p0, p1] = view.tracks;

test('who made a goroutine runnable, and when', () => {
  const up = wake.wakeUp(view, {track: p1, i: 0});
  assert.deepEqual([up.ready, up.wait, up.who, up.by.track.p, up.by.i], [30, 30, 0, 0, 0]);
  assert.equal(wake.wakeUp(view, {track: p1, i: 2}), null, 'it goes on after a stop');
  assert.equal(wake.wakeUp(view, {track: p0, i: 2}).by, null);
});

test('the slices of a goroutine before and after', () => {
  assert.deepEqual(wake.following(view, {track: p0, i: 0}, 1).i, 2);
  assert.deepEqual(wake.following(view, {track: p0, i: 2}, -1).i, 0);
  assert.equal(wake.following(view, {track: p0, i: 0}, -1), null);
  assert.equal(wake.following(view, {track: p1, i: 1}, 1), null, 'no goroutine');
});

test('who waited meanwhile, and who was woken', () => {
  const name = (x) => [view.who.g[x.who], x.ns];
  assert.deepEqual(wake.waited(view, {track: p0, i: 0}).map(name), [[11, 20], [12, 10]]);
  assert.deepEqual(wake.waited(view, {track: p1, i: 0}).map(name), [[12, 30]]);
  assert.deepEqual(wake.woke(view, {track: p0, i: 0}).map(name), [[11, 30], [12, 60]]);
});

test('a goroutine has a row of what it did on all Ps', () => {
  const t = rows.goroutine(view, 10);
  assert.deepEqual(Array.from({length: t.n}, (_, i) => [t.start[i], t.end[i], t.kind[i]]), [[10, 50, 0], [50, 180, rows.AWAY], [180, 200, rows.RUNNABLE], [200, 300, 0]]);
  assert.deepEqual(rows.original(t, 3), {track: p0, i: 2});
  assert.equal(rows.original(t, 1), null);
  assert.deepEqual(t.why, ['', 'blocked: select', '', '']);
  const cut = rows.goroutine({...view, kept: [[0, 60], [150, 1000]]}, 10);
  assert.deepEqual([...cut.kind], [0, rows.RUNNABLE, 0], 'between windows nothing is claimed');
});

test('threads have rows, with the system calls that held them', () => {
  const list = rows.threads({...view, threads: [41, 40, 0, 0, 0, 7]}, {n: 1, start: [0], end: [8], m: [5]}, 2);
  assert.deepEqual([list.map((r) => r.m), list[1].track.n], [[1, 0], 3]);
});

test('a search takes ids, words, states and lengths', () => {
  const names = [['a', 'main.a'], ['b', 'net/http.(*conn).Serve']];
  const find = (q) => search.find(view, names, {text: '', kind: '', least: 0, ...q}).found.map((f) => [view.who.g[f.who], f.n]);
  assert.deepEqual(find({text: 'g10'}), [[10, 2]]);
  assert.deepEqual(find({text: 'http serve'}), [[11, 2], [12, 1]]);
  assert.deepEqual(find({least: 30}), [[10, 2], [11, 1]]);
  assert.deepEqual(find({kind: search.WAITED, least: 25}), [[12, 1], [11, 1]]);
  assert.deepEqual(find({kind: search.AWAY, least: 100}), [[10, 1]]);
  assert.deepEqual(find({kind: 'blocked: select', least: 131}), []);
  assert.deepEqual(find({kind: 'ended'}), [[12, 1]]);
  assert.deepEqual(['1ms', '20 µs', '1,5 s', '7', '', 'x', '-1'].map(search.parseLength), [1e6, 2e4, 1.5e9, 7e6, 0, NaN, NaN]);
});

test('what came of a stop is found with it', () => {
  const t = rows.goroutine(view, 10);
  const {masks} = search.find(view, [['a', 'main.a'], ['b', 'b']], {text: '', kind: search.AWAY, least: 0});
  assert.deepEqual([...search.maskOf(masks, t)], [1, 1, 0, 0]);
});
