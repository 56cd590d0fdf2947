import assert from 'node:assert/strict';
import {test} from 'node:test';
import {at, COLUMN, KINDS, scan, scanTiles} from '../src/scan.js';

// track of [start, end, kind].
function track(...slices) {
  return {
    n: slices.length,
    start: Float64Array.from(slices, (s) => s[0]), end: Float64Array.from(slices, (s) => s[1]), kind: Uint8Array.from(slices, (s) => s[2]),
  };
}

function record() {
  const drawn = [];
  return {
    drawn,
    slice: (x, width, i) => drawn.push(['slice', x, width, i]),
    column: (x, width, share) => drawn.push(['column', x, width, [...share]]),
  };
}

test('wide slices are drawn one by one, clipped to the window', () => {
  const sink = record();
  scan(track([0, 50, 0], [60, 100, 1], [200, 300, 0]), 10, 90, 0, 1, sink);
  assert.deepEqual(sink.drawn, [['slice', 0, 40, 0], ['slice', 50, 30, 1]]);
});

test('narrow slices become shares of their column', () => {
  const sink = record();
  scan(track([0, 50, 0], [50, 100, 2], [150, 200, 0]), 0, 1000, 0, 0.01, sink);
  const [[what, x, width, share]] = sink.drawn;
  assert.deepEqual([what, x, width], ['column', 0, COLUMN]);
  assert.ok(Math.abs(share[0] - 0.5) < 1e-9 && Math.abs(share[2] - 0.25) < 1e-9, `${share}`);
  assert.equal(sink.drawn.length, 1);
});

test('a column ends where a wide slice begins, and starts where one ended', () => {
  const sink = record();
  scan(track([0, 101, 0], [101, 102, 1], [103, 300, 0]), 0, 1000, 0, 1 / 10, sink);
  assert.deepEqual(sink.drawn.map((d) => d[0]), ['slice', 'column', 'slice']);
  const [, x, width] = sink.drawn[1];
  assert.ok(x >= 10.1 - 1e-9 && x + width <= 10.6 + 1e-9, `${x} ${width}`); // at least half a pixel wide
});

test('nothing is drawn outside the window, and no share exceeds one', () => {
  const slices = Array.from({length: 5000}, (_, i) => [i * 10, i * 10 + 9, i % KINDS]);
  const sink = record();
  scan(track(...slices), 10_000, 20_000, 100, 0.02, sink);
  assert.ok(sink.drawn.length > 50);
  for (const [, x, width, share] of sink.drawn) {
    assert.ok(x >= 100 && x + width <= 300 + COLUMN, `${x} ${width}`);
    assert.ok(share.every((s) => s >= 0 && s <= 1), `${share}`);
  }
});

test('tiles are drawn where columns lie', () => {
  const share = new Uint8Array(KINDS * 4);
  share[1] = 255; // kind 0, column 1
  const sink = record();
  scanTiles({kinds: KINDS, columns: 4, share}, 100, 50, 250, 0, 1, sink);
  assert.deepEqual(sink.drawn.map(([, x, width, s]) => [x, width, s[0]]), [[0, 50, 0], [50, 100, 1], [150, 50, 0]]);
});

test('the slice at an instant', () => {
  const t = track([10, 20, 0], [30, 40, 0]);
  assert.deepEqual([5, 10, 19, 20, 35, 40].map((x) => at(t, x)), [-1, 0, 0, -1, 1, -1]);
});
