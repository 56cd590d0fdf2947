import assert from 'node:assert/strict';
import test from 'node:test';
import {lines, query, toAsk} from '../src/ask.js';

test('lines come whole, however they arrive', async () => {
  const bytes = new TextEncoder().encode('{"text":"größer"}\n\n{"part":0.5}\n{"page":"x"}');
  const stream = new ReadableStream({
    start(c) {
      for (const b of bytes) c.enqueue(Uint8Array.of(b));
      c.close();
    },
  });
  const got = [];
  for await (const line of lines(stream)) got.push(line);
  assert.deepEqual(got, [{text: 'größer'}, {part: 0.5}, {page: 'x'}]);
});

test('an address asks for nothing but explanations and predictions', () => {
  assert.equal(toAsk('#ask=explain%3Fhttp%3D.'), 'explain?http=.');
  assert.equal(toAsk('#ask=whatif'), 'whatif');
  for (const hash of ['', '#t=1-2', '#ask=', '#ask=%', '#ask=https://evil.example/', '#ask=../other', '#ask=explainx', '#ask=explain/../window?from=1', '#ask=explain?a#b']) assert.equal(toAsk(hash), null, hash);
});

test('a form asks for what was filled in', () => {
  const fields = [{name: 'gomaxprocs', type: 'text', value: ' 2,4 '}, {name: 'cpus', type: 'text', value: ''}, {name: 'no-steal', type: 'checkbox', checked: true}, {name: 'no-handoff', type: 'checkbox', checked: false}, {name: '', type: 'submit', value: 'x'}];
  assert.equal(query('whatif', fields), 'whatif?gomaxprocs=2%2C4&no-steal=true');
  assert.equal(query('whatif', []), 'whatif');
});
