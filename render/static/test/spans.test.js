import assert from 'node:assert/strict';
import test from 'node:test';
import {levels, stretches} from '../src/spans.js';

const spans = (...list) => ({n: list.length, start: list.map(([a]) => a), end: list.map(([, b]) => b)});

test('tasks that overlap stand below each other, as far as there is room', () => {
  const {level, n} = levels(spans([0, 10], [2, 8], [4, 6], [9, 12], [10, 11]), 2);
  assert.deepEqual([...level], [0, 1, 1, 1, 0]);
  assert.equal(n, 2);
});

test('a row is cut where anything begins or ends', () => {
  const {track, on} = stretches(spans([0, 10], [2, 8], [20, 30]));
  assert.deepEqual(track, {n: 4, start: [0, 2, 8, 20], end: [2, 8, 10, 30]});
  assert.deepEqual([0, 1, 2, 3].map(on), [[0], [0, 1], [0], [2]]);
});
