import assert from 'node:assert/strict';
import {test} from 'node:test';
import {fromHash, toHash} from '../src/instances.js';
import {find, lexicon} from '../src/names.js';

const view = {
  who: {g: [7, -1, 20]}, rows: [{p: 0}, {p: 1}, {p: -1}],
  stops: {list: [{stack: [['example.org/shop/v2.(*cart).add', 'cart.go:3'], ['a.org/x.same', 'x.go:1'], ['b.org/x.same', 'x.go:1']]}]},
};
const known = lexicon(view, [['main.load', 'main.load'], ['', ''], ['v2.(*cart).add', 'example.org/shop/v2.(*cart).add']]);
const names = (text) => find(text, known).map((f) => [f.text, f.kind, f.name ?? f.id ?? f.instant]);

test('prose names functions by what the page calls them, goroutines, Ps and instants', () => {
  assert.deepEqual(names('In main.load (load.go:3), G20 (v2.(*cart).add) held P1, P9 did not; then main.load.'), [
    ['main.load', 'function', 'main.load'], ['G20', 'G', 20], ['v2.(*cart).add', 'function', 'example.org/shop/v2.(*cart).add'], ['P1', 'P', 1], ['main.load', 'function', 'main.load']]);
  assert.deepEqual(names('peak at 0.525120\u00a0s, at 1.25 s, 0.48334 s to 12.1 s'), [['0.525120\u00a0s', 'time', 525120000], ['1.25 s', 'time', 1250000000], ['0.48334 s', 'time', 483340000]]);
});

test('what is no name, or may be several, is left alone', () => {
  for (const text of ['G21 and G200, PG20, GC, main.loader, main.load2, xmain.load', 'x.same', 'took 1.25 s', 'at most 3 s', 'e.g. this. That']) assert.deepEqual(names(text), [], text);
});

test('the address of a view is read as it was written', () => {
  for (const name of ['main.load', 'G12', 'a/b.(*T[go.shape.int]).f#%"<x>', 'P3']) assert.equal(fromHash(toHash(name)), name);
  for (const hash of ['', '#t=1-2', '#of=', '#of=%', '#ask=x']) assert.equal(fromHash(hash), null);
});
