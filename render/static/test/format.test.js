import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import * as format from '../src/format.js';

const cases = JSON.parse(readFileSync(new URL('../../testdata/format.json', import.meta.url)));

for (const [name, table] of Object.entries(cases)) {
  test(`${name} formats as render/format.go does`, () => {
    for (const row of table) assert.equal(format[name](...row.slice(0, -1)), row.at(-1), `${name}(${row.slice(0, -1)})`);
  });
}

test('tick has the decimals that its step needs', () => {
  const plain = (s) => s.replace(/[\u00a0\u202f]/g, ' ');
  assert.equal(plain(format.tick(1.5e9, 5e8)), '1.5 s');
  assert.equal(plain(format.tick(1361.85e6, 5e4)), '1 361.85 ms');
  assert.equal(plain(format.tick(2e9, 1e9)), '2 s');
  assert.equal(plain(format.tick(1000100, 100)), '1 000.1 µs');
});
