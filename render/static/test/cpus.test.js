// The row of CPUs: what it says of a span, and how high it is.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import * as cpus from '../src/cpus.js';

const spans = [
  {start: 0, end: 10e6, wanted: 20e6, lost: [0, 0, 0]},
  {start: 10e6, end: 20e6, wanted: 30e6, lost: [0, 15e6, 0], why: [{why: 0, ns: 15e6}, {why: 1, ns: 60e9}]},
];
const meta = {cpus: {spans, reasons: ['the quota was used up', 'the machine was suspended'], cpus: 2}};

test('a span says what was wanted, had and why not more', () => {
  const row = cpus.row(meta);
  assert.deepEqual([...row.lane.track.end], [10e6, 20e6]);
  const all = row.lane.describe(8, 0);
  assert.equal(all.title, 'CPUs · 2.00 of 2.00 that Ps wanted');
  assert.match(all.lines.join(), /every P that wanted a CPU had one/);
  const some = row.lane.describe(8, 1);
  assert.equal(some.title, 'CPUs · 1.50 of 3.00 that Ps wanted');
  assert.match(some.lines.join(), /quota was used up: 15.0.ms \(50.%\)/);
  assert.match(some.lines.join(), /suspended: 60.0.s,/);
  assert.deepEqual(some.range, {row: 8, i: 1, start: 10e6, end: 20e6});
});

test('the row ends at what is wanted at the most, or at what there is', () => {
  assert.equal(cpus.top(meta.cpus), 3);
  assert.equal(cpus.top({spans: [], cpus: 0}), 1);
  assert.equal(cpus.top({spans, cpus: 64}), 6);
});

test('where the machine was not asked there is no row', () => {
  assert.equal(cpus.row({}), null);
});
