import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as span from '../src/span.js';

test('a window is moved and shortened into the bounds', () => {
  assert.deepEqual(span.fit([-10, 90_000], [0, 100_000]), [0, 90_010]);
  assert.deepEqual(span.fit([50_000, 150_000], [0, 100_000]), [0, 100_000]);
  assert.deepEqual(span.fit([99_990, 100_000], [0, 100_000]), [99_000, 100_000]);
  assert.deepEqual(span.fit([0, 10], [0, 500]), [0, 500], 'a trace shorter than the shortest window');
});

test('zooming keeps the middle and stops at the shortest window', () => {
  assert.deepEqual(span.zoom([0, 8000], 0.5), [2000, 6000]);
  assert.deepEqual(span.zoom([0, 1000], 0.5), [0, 1000]);
  assert.deepEqual(span.zoom([0, 8000], 0.5, 2000), [1000, 5000], 'what is at the pointer stays there');
});

test('the address of a window reads back', () => {
  const hash = span.toHash([1205e6, 1385e6], 'P3');
  assert.equal(hash, '#t=1205000000-1385000000&row=P3');
  assert.deepEqual(span.fromHash(hash), {window: [1205e6, 1385e6], row: 'P3', pins: null, threads: null, search: null, at: null, marks: null, selected: null});
  assert.equal(span.fromHash('#t=1-2&row=CPUs').row, 'CPUs');
  const rows = span.toHash([5, 9], 'G12', [12, 7], true);
  assert.equal(rows, '#t=5-9&row=G12&g=12,7&m=1');
  assert.deepEqual(span.fromHash(rows), {window: [5, 9], row: 'G12', pins: [12, 7], threads: true, search: null, at: null, marks: null, selected: null});
  const search = {find: 'a&b=%', did: 'blocked: chan receive', least: '1 ms'};
  assert.deepEqual(span.fromHash(span.toHash([5, 9], null, [], null, search)).search, search);
  assert.equal(span.fromHash('#t=0-5&find=%2'), null);
  const chosen = span.toHash([5, 9], 'P0', [], null, null, {at: 6, marks: [7, 8]});
  assert.equal(chosen, '#t=5-9&row=P0&at=6&marks=7,8');
  assert.deepEqual([span.fromHash(chosen).at, span.fromHash(chosen).marks], [6, [7, 8]]);
  assert.equal(span.fromHash('#t=0-5').row, null);
  const selected = {from: 6, to: 8, rows: ['P0', 'Gs']};
  assert.equal(span.toHash([5, 9], null, [], null, null, {selected}), '#t=5-9&sel=6-8:P0-Gs');
  assert.deepEqual(span.fromHash('#t=5-9&sel=6-8:P0-Gs').selected, selected);
  assert.deepEqual(span.fromHash('#t=5-9&sel=6-8').selected, {from: 6, to: 8, rows: null});
  assert.equal(span.fromHash('#t=5-9&sel=8-8').selected, null);
});

test('no other address is taken for a window', () => {
  for (const bad of ['', '#', '#findings', '#t=5-5', '#t=9-5', '#t=-1-5', '#t=1-2&row=X', '#t=1-2&row=P-1', '#t=1e9-2e9', '#t=1-2<script>', '#t=1-2&g=', '#t=1-2&g=1,', '#t=1-2&g=x', '#t=1-2&m=2', '#t=1-2&at=', '#t=1-2&marks=1,', '#t=1-2&sel=1', '#t=1-2&sel=1-2:P0', '#t=1-2&row=P1&row=P2', '#t=1-2&toString=1']) {
    assert.equal(span.fromHash(bad), null, bad);
  }
});

test('ticks are round and within the window', () => {
  const {by, at} = span.ticks([1.3618e9, 1.3622e9], 9);
  assert.equal(by, 5e4);
  assert.ok(at.every((t) => t % by === 0 && t >= 1.3618e9 && t <= 1.3622e9));
  assert.equal(at.length, 9);
});

test('the first slice that ends later is found', () => {
  const ends = [10, 20, 30];
  assert.deepEqual([0, 9, 10, 29, 30].map((t) => span.firstEndingAfter(ends, t)), [0, 0, 1, 2, 3]);
});

test('a window is cut at what is kept in full detail', () => {
  assert.deepEqual(span.parts([0, 100], [[20, 40], [60, 200]]), [[0, 20, false], [20, 40, true], [40, 60, false], [60, 100, true]]);
  assert.deepEqual(span.parts([0, 100], []), [[0, 100, false]]);
  assert.deepEqual(span.parts([0, 100], [[0, 1000]]), [[0, 100, true]]);
});
