import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Leaders, label} from '../src/label.js';

const who = {g: [7, -1, 8], name: [0, 1, 0]};
const stops = {list: [{label: ''}, {label: 'main.score'}, {label: ''}], id: (name, place) => place};

test('a slice is called by where it stopped, else where what it goes on with stopped, else by what runs', () => {
  const track = {n: 6, who: [0, 0, 1, 2, 2, 0], place: [0, 1, 0, 2, 0, 0]};
  const labels = label([track], who, stops, (k) => ['main.work', '', 'main.other'][k]);
  assert.deepEqual([...track.label].map((k) => labels[k]), ['main.score', 'main.score', '', 'main.other', 'main.other', 'main.work']);
});

test('who has most of a stretch leads it, and those beside each other are one', () => {
  const got = [];
  const leaders = new Leaders(new Float64Array(3), 100, (...what) => got.push(what));
  for (let x = 0; x < 200; x += 10) leaders.add(x, 8, 1);
  for (let x = 200; x < 300; x += 10) leaders.add(x, 4, 1 + (x / 10) % 2); // neither has more than half
  for (let x = 300; x < 400; x += 10) leaders.add(x, 8, x < 340 ? 1 : 2); // as little
  for (let x = 500; x < 600; x += 10) leaders.add(x, 8, 2);
  leaders.cut(570);
  leaders.add(650, 8, 1);
  leaders.cut(Infinity);
  assert.deepEqual(got, [[1, 0, 200], [2, 500, 70]]);
});
