import assert from 'node:assert/strict';
import {test} from 'node:test';
import {fits, missing, worthwhile} from '../src/fetch.js';

test('a window is missing where a part of it was left out', () => {
  assert.equal(missing([10, 20], [[0, 30]]), false);
  assert.equal(missing([10, 20], [[0, 15], [15, 30]]), false);
  assert.equal(missing([10, 20], [[0, 15], [16, 30]]), true);
  assert.equal(missing([10, 20], []), true);
});

test('only what is likely to fit is asked for', () => {
  const meta = {from: 0, to: 1000, have: 100, all: 1000};
  assert.equal(fits([0, 200], meta), true);
  assert.equal(fits([0, 201], meta), false);
});

test('no window is asked for again and again', () => {
  assert.equal(worthwhile([10, 20], null), true);
  assert.equal(worthwhile([10, 20], [10, 20]), false);
  assert.equal(worthwhile([10, 16], [10, 20]), false);
  assert.equal(worthwhile([10, 14], [10, 20]), true);
  assert.equal(worthwhile([15, 25], [10, 20]), true);
});
