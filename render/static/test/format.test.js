import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import * as format from '../src/format.js';

// What spells each kind of example. null: the page has these from the report,
// already spelled, and its script never makes one.
const number = (f) => (value) => f(...value.split(' ').map(Number));
const thing = (f) => (value) => f(Number(value.slice(0, value.indexOf(' '))), value.slice(value.indexOf(' ') + 1));
const spells = {
  length: number(format.dur),
  count: number(format.count),
  share: number(format.pct),
  plural: thing(format.plural),
  'at-within': number(format.offset),
  'length-change': null,
  at: null,
  were: null,
  times: null,
  'share-exact': null,
  change: null,
  number: null,
  mean: null,
  bytes: number(format.bytes),
  function: null,
  goroutine: null,
};

const html = (s) => s.replaceAll('&thinsp;', '\u202f').replaceAll('&nbsp;', '\u00a0');
const lines = readFileSync(new URL('../../../analyze/words/testdata/examples.txt', import.meta.url), 'utf8').split('\n');
const rows = lines.filter((line) => line && !line.startsWith('#')).map((line) => line.split('\t'));

for (const [kind, spell] of Object.entries(spells)) {
  test(`${kind} is spelled as analyze/words does`, () => {
    const examples = rows.filter(([k]) => k === kind);
    assert.notEqual(examples.length, 0, 'no example');
    if (spell) for (const [, value, , want] of examples) assert.equal(spell(value), html(want), value);
  });
}

test('every kind of example is known here', () => {
  assert.deepEqual(rows.filter(([kind]) => !(kind in spells)), []);
});

test('tick has the decimals that its step needs', () => {
  const plain = (s) => s.replace(/\u00a0/g, ' ').replace(/\u202f/g, ',');
  assert.equal(plain(format.tick(1.5e9, 5e8)), '1.5 s');
  assert.equal(plain(format.tick(1361.85e6, 5e4)), '1361.85 ms');
  assert.equal(plain(format.tick(12361.85e6, 5e4)), '12,361.85 ms');
  assert.equal(plain(format.tick(2e9, 1e9)), '2 s');
  assert.equal(plain(format.tick(1000100, 100)), '1000.1 µs');
});

test('of a long name the middle is left out', () => {
  for (const [text, n, want] of [['checkout', 8, 'checkout'], ['checkout', 7, 'che…out'], ['checkout', 4, 'ch…t'], ['répricé all', 6, 'rép…ll'], ['', 3, '']]) assert.equal(format.shortened(text, n), want);
});
