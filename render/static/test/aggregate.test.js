import assert from 'node:assert/strict';
import {test} from 'node:test';
import {after, inOrder, links} from '../src/absent.js';
import * as aggregate from '../src/aggregate.js';
import * as flame from '../src/flame.js';
import * as instances from '../src/instances.js';
import * as palette from '../src/palette.js';
import {asText} from '../src/sums.js';

// made is a view of tracks given as [start, end, person, wait or undefined, waker + 2, kind, stop].
function made(...tracks) {
  const built = tracks.map((slices, p) => {
    const pick = (k, Type) => Type.from(slices, (s) => s[k] ?? 0);
    return {
      p, n: slices.length, start: pick(0, Float64Array), end: pick(1, Float64Array), who: pick(2, Uint32Array), wait: pick(3, Float32Array),
      by: pick(4, Uint32Array), kind: pick(5, Uint8Array), from: Uint8Array.from(slices, (s) => (s[3] === undefined ? 0 : 129)), m: Int32Array.from(slices, () => p), place: pick(6, Uint16Array),
    };
  });
  const call = (why, ...fns) => ({why, label: fns.length > 0 ? fns.at(-1) : '', stack: fns.map((fn) => [fn, 'x.go:1'])});
  const list = [call(''), call('blocked: select', 'runtime.selectgo', 'main.wait', 'main.a'), call('preempted', 'runtime.asyncPreempt2', 'runtime.asyncPreempt', 'main.sort', 'main.sort', 'main.b')];
  const places = [Uint32Array.of(1, 2), Uint32Array.of(1, 2), Uint32Array.of()];
  const stops = {list, places, of: (id) => list[id], id: (name, place) => (place === 0 ? 0 : places[name][place - 1])};
  return {tracks: built, who: {g: [10, 11, 12, -1], name: [0, 1, 1, 2]}, kept: [[0, 1000]], whole: true, rounded: false, stops};
}

// G10 makes G11 runnable at 30; it blocks from 50 to 180 and is then made runnable by G12.
// G11 is preempted at 90 and runs again at 110. G12 is in a system call from 140 to 150.
const view = made([[10, 50, 0, 0, 0, 0, 1], [120, 140, 2, 60], [140, 150, 2, undefined, 0, 4], [200, 300, 0, 20, 4]], [[60, 90, 1, 30, 2, 0, 2], [90, 95, 3], [110, 130, 1, 20, 0]]);
const names = [['a', 'main.a'], ['b', 'main.b'], ['', '']];

test('links join the slices of a goroutine, with how long it was away', () => {
  const {before, gone} = links(view);
  assert.deepEqual([...before], [-1, -1, 1, 0, -1, -1, 4]);
  assert.deepEqual([...gone], [130, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...after(view).get(view.tracks[0])], [130, 0, 0, 0]);
});

test('slices are visited in order of time', () => {
  const seen = [];
  inOrder(view.tracks, (t, i) => seen.push(t.start[i]));
  assert.deepEqual(seen, [10, 60, 90, 110, 120, 140, 200]);
});

test('a selection is cut at its ends', () => {
  const got = aggregate.sum(view, {from: 40, to: 145, choice: null});
  const by = (column, key = (end) => (end.stop.why || '-')) => Object.fromEntries(aggregate.grouped(got, key, [column]).map((r) => [r.text, r.values[0]]));
  assert.deepEqual([...got.kinds].slice(0, 5), [10 + 20 + 30 + 5 + 20, 0, 0, 0, 5]);
  assert.deepEqual(by('ran'), {'-': 40, preempted: 30, 'blocked: select': 10});
  assert.deepEqual(by('called'), {'-': 5});
  assert.deepEqual(by('waited'), {'-': 60 + 20, preempted: 20}, 'G11 from 40 to 60 and 90 to 110, G12 from 60 to 120');
  assert.deepEqual(by('gone'), {'blocked: select': 95});
  assert.equal(aggregate.total(got.left), 0);
  assert.deepEqual([got.slices, got.procs, got.kept, got.longestWait], [6, 2, 105, 60]);
  assert.deepEqual([got.wakers[1], got.wakersTime[1]], [1, 95], 'a goroutine of b ended the wait');
});

test('a selection of rows has the waits that ended on them', () => {
  const sum = (choice) => aggregate.sum(view, {from: 0, to: 1000, choice: {ps: new Set(), gs: new Set(), ms: new Set(), ...choice}});
  const p1 = sum({ps: new Set([1])});
  assert.deepEqual([aggregate.total(p1.ran), aggregate.total(p1.waited), aggregate.total(p1.gone), p1.procs], [50, 50, 0, 1]);
  const g10 = sum({gs: new Set([10])});
  assert.deepEqual([aggregate.total(g10.ran), aggregate.total(g10.gone), g10.procs], [140, 130, 0]);
});

test('who blocks and is not seen again is counted apart', () => {
  const leak = made([[10, 50, 0, 0, 0, 0, 1], [60, 80, 1, 0, 0, 0, 2], [90, 100, 2, 0, 0, 0, 1], [200, 210, 2, 10]]);
  const got = aggregate.sum(leak, {from: 40, to: 120, choice: null});
  assert.deepEqual([aggregate.total(got.left), aggregate.total(got.leftFor), aggregate.total(got.gone)], [1, 70, 20], 'G10; G11 was preempted, G12 runs again');
  for (const kept of [[[0, 100], [200, 300]], [[0, 100]]]) {
    const partly = {...made([[10, 50, 0, 0, 0, 0, 1]]), kept, whole: false};
    assert.equal(aggregate.total(aggregate.sum(partly, {from: 40, to: 120, choice: null}).left), 0, 'it may have run where slices were left out');
  }
});

test('a flame graph folds who calls itself and leaves out the preemption', () => {
  const root = flame.tree(aggregate.sum(view, {from: 0, to: 1000, choice: null}), flame.WHATS[0], names);
  const lines = [];
  const visit = (n) => {
    lines.push(`${' '.repeat(n.depth)}${n.text} ${n.ns}/${n.self}`);
    n.children.forEach(visit);
  };
  visit(root);
  assert.deepEqual(lines, ['running 210/0', ' a 140/100', '  main.wait 40/0', '   runtime.selectgo 40/40', ' b 70/40', '  main.sort 30/30']);
  assert.equal(flame.functions(root).find((f) => f.text === 'main.sort').self, 30);
});

test('names without the directories of packages', () => {
  assert.equal(flame.short('net/http.(*conn).serve'), 'http.(*conn).serve');
  assert.equal(flame.short('main.Map[go.example.com/a/b.Key,int].Get'), 'main.Map[b.Key,int].Get');
});

test('the slices of a function, those first that have most', () => {
  const ends = instances.ofFunction(view, names, 'main.sort');
  const got = instances.collect(view, instances.ofEnds(view, ends));
  assert.deepEqual([got.slices, got.ran, [...got.goroutines]], [[4], 30, [11]]);
  const all = instances.collect(view, instances.ofEnds(view, aggregate.prepare(view).list.map((_, at) => Math.min(at, 1))));
  const list = (order, n) => instances.first(view, all.slices, order, n).map((s) => s.track.start[s.i]);
  assert.deepEqual([list('ran', 2), list('time', 3), list('waited', 1), list('gone', 1)], [[200, 10], [10, 60, 110], [120], [10]]);
});

test('what the search dialog understands', () => {
  assert.deepEqual(['1.2s', 'P3 at 1.2s', '350 ms heap', 'p3 @1.2s', 'P3', '12'].map(palette.moment), [{at: 1.2e9, of: ''}, {at: 1.2e9, of: 'p3'}, {at: 350e6, of: 'heap'}, {at: 1.2e9, of: 'p3'}, null, null]);
  const rows = [{id: 'P3', label: 'P3'}, {id: 'P31', label: 'P31'}, {id: 'Task1', label: 'chec…', lane: {name: 'checkout'}}];
  assert.deepEqual([['p3'], ['p'], ['checkout'], [''], ['x']].map(([of]) => palette.asked(rows, of)), [[0], [0, 1], [2], [0, 1, 2], []]);
  assert.deepEqual(['1.2s', '350 ms', '1,5µs', 'G12', '12'].map(palette.instant), [1.2e9, 350e6, 1500, NaN, NaN]);
  assert.deepEqual(palette.goroutines({g: [5, 120, 12, 121, 12, 13]}, 'g12').map(([g]) => g), [12, 120, 121]);
  assert.deepEqual([['sort'], ['ort'], ['main'], ['x']].map((w) => palette.rank('main.sort', w)), [1, 2, 0, -1]);
});

test('sums as text are aligned', () => {
  assert.equal(asText('all', [{title: 'T', head: ['a', 'n'], rows: [['x', '1\u00a0s'], [{text: 'longer'}, '12\u00a0s']]}]), 'all\n\nT\n  a          n\n  x        1 s\n  longer  12 s\n');
});
