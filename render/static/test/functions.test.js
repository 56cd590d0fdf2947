import assert from 'node:assert/strict';
import {test} from 'node:test';
import {assign, COLOURS, shade} from '../src/functions.js';
import {KINDS, SHADES} from '../src/scan.js';

test('there is a shade for every kind and every colour', () => assert.equal(SHADES, KINDS + COLOURS));

test('those with most time have a colour each, the same every time', () => {
  const labels = ['', ...Array.from({length: 12}, (_, i) => `main.f${i}`)];
  const track = {n: 14, start: Array.from({length: 14}, (_, i) => i * 100), end: [], kind: new Uint8Array(14), label: new Uint32Array(14)};
  for (let i = 0; i < 14; i++) {
    track.end[i] = i * 100 + 1 + i;
    track.label[i] = i % 13;
  }
  track.kind[13] = 2; // a mark worker, whatever its label
  const found = shade([track], labels);
  assert.deepEqual(found.map(({name}) => name), labels.slice(5).reverse());
  assert.equal(new Set(found.map(({colour}) => colour)).size, COLOURS);
  assert.deepEqual([track.shade[12], track.shade[13], track.shade[1]], [KINDS + found[0].colour, 2, 0]);
  assert.deepEqual(shade([track], labels, found.slice(3)).slice(3).map(({colour}) => colour), found.slice(3).map(({colour}) => colour), 'what had one keeps it');
});

test('a colour comes of the name, unless one with more time has it', () => {
  assert.deepEqual(assign(['main.a']), assign(['main.a']));
  const names = Array.from({length: COLOURS}, (_, i) => `f${i}`);
  assert.deepEqual([...assign(names)].sort(), Array.from({length: COLOURS}, (_, i) => i));
  assert.equal(assign(names)[0], assign(['f0'])[0]);
});
