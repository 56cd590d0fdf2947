import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {textures} from '../src/paint.js';
import {ink, luminance} from '../src/theme.js';

const css = readFileSync(new URL('../gmptrace.css', import.meta.url), 'utf8');
const [light, dark] = [...css.matchAll(/color-scheme: (?:light|dark);([^}]*)/g)].map((m) => Object.fromEntries([...m[1].matchAll(/(--[\w-]+): (#[0-9a-f]{6})/g)].map((c) => [c[1], c[2]])));

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

for (const [name, colours] of Object.entries({light, dark})) {
  test(`text on the canvas can be read in the ${name} theme`, () => {
    for (let k = 0; k < 6; k++) {
      const colour = colours[`--k${k}`];
      assert.ok(contrast(colour, ink(colour)) >= 4.5, `label on --k${k}`);
    }
    for (const text of ['--fg', '--mut', '--crit']) assert.ok(contrast(colours[text], colours['--bg']) >= 4.5, text);
  });

  test(`what lies on something else stands out from it in the ${name} theme`, () => {
    for (const [mark, back] of [['--k0', '--idle'], ['--k2', '--idle'], ['--depth', '--bg'], ['--crit', '--bg']]) {
      assert.ok(contrast(colours[mark], colours[back]) >= 1.5, `${mark} on ${back}`);
    }
  });
}

test('both themes have the same colours', () => {
  assert.deepEqual(Object.keys(light).sort(), Object.keys(dark).sort());
});

test('kinds of slices can be told apart without colour', () => {
  assert.equal(new Set(textures.map(String)).size, 8, 'each has a texture of its own, or as the only one none');
});
