import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {deflateRawSync} from 'node:zlib';
import {Reader, inflate, parse, roundedWait, waker} from '../src/decode.js';

// The block and what is in it were written by render/block_test.go.
const golden = JSON.parse(readFileSync(new URL('../../testdata/block.json', import.meta.url)));

test('a block reads back as what was written', () => {
  const got = parse(new Uint8Array(Buffer.from(golden.block, 'base64')));
  const slices = got.tracks.map((t) => ({
    P: t.p,
    Slices: Array.from({length: t.n}, (_, i) => ({
      Start: t.start[i], End: t.end[i], G: got.who.g[t.who[i]], Name: got.who.name[t.who[i]], Kind: t.kind[i], Source: t.from[i] & 127, Certain: t.from[i] > 127,
      Wait: t.wait[i], By: byOf(got, t, i), M: t.m[i], Stop: got.stops.id(got.who.name[t.who[i]], t.place[i]),
    })),
  }));
  assert.deepEqual(slices, golden.tracks.map((t) => ({...t, Slices: t.Slices.map((s) => ({...s, Wait: Math.fround(s.Wait)}))})));
  assert.deepEqual(Array.from(got.calls.end, (end, i) => ({Start: got.calls.start[i], End: end, M: got.calls.m[i]})), golden.calls);
  assert.deepEqual(got.stops.of(2), {why: 'blocked: select', label: 'main.f', stack: [['main.g\\x0a<', 'g.go:8'], ['main.f', 'f.go:7']]});
  assert.deepEqual(got.stops.of(0), {why: '', label: '', stack: []});
  const {marks, depth} = got;
  assert.deepEqual(Array.from(marks.at, (at, i) => ({At: at, P: marks.p[i], From: marks.from[i], Kind: marks.kind[i]})), golden.marks);
  assert.deepEqual(Array.from(depth.at, (at, i) => ({At: at, N: depth.runnable[i]})), golden.depth);
  const spans = (of) => Array.from({length: of.n}, (_, i) => ({Start: of.start[i], End: of.end[i], G: of.g[i], Name: of.name?.[i] ?? '', In: of.in?.[i] ?? 0, Open: of.open[i] === 1}));
  assert.deepEqual(got.lanes.spans.lanes.map((l) => ({Kind: l.task ? 'task' : 'region', Name: l.name, Spans: spans(l.all), Regions: l.inside.n > 0 ? spans(l.inside) : null, LeftOut: l.left})), golden.spans);
  assert.deepEqual(Array.from(got.lanes.logs.at, (at, i) => ({At: at, G: got.lanes.logs.g[i], Text: got.lanes.logs.text[i], N: got.lanes.logs.count[i]})), golden.logs);
  const {all, every, at, p, g, m, stack, stacks} = got.samples;
  assert.deepEqual([all, every], [golden.samples.All, golden.samples.Every]);
  assert.deepEqual(Array.from(at, (t, i) => ({At: t, P: p[i], G: g[i], M: m[i], Stack: stack[i]})), golden.samples.List);
  assert.deepEqual(stacks, golden.samples.Stacks.map((frames) => frames.map((f) => [f.func, `${f.file.replace(/.*\//, '')}:${f.line}`])));
  assert.deepEqual(got.tiles.map((t) => ({P: t.p, Columns: t.columns, Share: [...t.share]})), golden.tiles);
});

function byOf(got, t, i) {
  const by = waker(t, i, got.who);
  return by < 0 ? -1 : got.who.g[by];
}

test('what was deflated is inflated', async () => {
  const raw = Buffer.from('slices '.repeat(1000));
  assert.deepEqual(Buffer.from(await inflate(`\n${deflateRawSync(raw).toString('base64')}\n`)), raw);
});

test('a block that ends too early is an error', () => {
  assert.throws(() => parse(new Uint8Array([64, 0, 200])), RangeError);
});

test('rounded waits are within 6 %', () => {
  const {codes, waits} = JSON.parse(readFileSync(new URL('../../testdata/waits.json', import.meta.url)));
  const r = new Reader(new Uint8Array(Buffer.from(codes, 'base64')));
  for (const want of waits) {
    const got = roundedWait(r);
    assert.ok(Math.abs(got - want) <= want * 0.0626, `${want} came back as ${got}`);
  }
});
