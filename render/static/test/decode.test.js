import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {deflateRawSync} from 'node:zlib';
import {inflate, parse} from '../src/decode.js';

// The block and what is in it were written by render/block_test.go.
const golden = JSON.parse(readFileSync(new URL('../../testdata/block.json', import.meta.url)));

test('a block reads back as what was written', () => {
  const got = parse(new Uint8Array(Buffer.from(golden.block, 'base64')));
  const slices = got.tracks.map((t) => ({
    P: t.p,
    Slices: Array.from({length: t.n}, (_, i) => ({
      Start: t.start[i], End: t.end[i], G: got.who.g[t.who[i]], Name: got.who.name[t.who[i]], Kind: t.kind[i], Source: t.from[i] & 127, Certain: t.from[i] > 127,
    })),
  }));
  assert.deepEqual(slices, golden.tracks);
  const {marks, depth} = got;
  assert.deepEqual(Array.from(marks.at, (at, i) => ({At: at, P: marks.p[i], From: marks.from[i], Kind: marks.kind[i]})), golden.marks);
  assert.deepEqual(Array.from(depth.at, (at, i) => ({At: at, N: depth.runnable[i]})), golden.depth);
  assert.deepEqual(got.tiles.map((t) => ({P: t.p, Columns: t.columns, Share: [...t.share]})), golden.tiles);
});

test('what was deflated is inflated', async () => {
  const raw = Buffer.from('slices '.repeat(1000));
  assert.deepEqual(Buffer.from(await inflate(`\n${deflateRawSync(raw).toString('base64')}\n`)), raw);
});

test('a block that ends too early is an error', () => {
  assert.throws(() => parse(new Uint8Array([64, 200])), RangeError);
});
