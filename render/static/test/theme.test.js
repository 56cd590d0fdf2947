import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {COLOURS} from '../src/functions.js';
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

// How red, green and blue light looks to eyes without one of three kinds of cones:
// Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color
// Vision Deficiency, 2009.
const eyes = [
  [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
];

// oklab is where a colour is in a space in which distances are differences that are seen.
function oklab(hex, eye) {
  const light = [1, 3, 5].map((i) => { const v = parseInt(hex.slice(i, i + 2), 16) / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  const [r, g, b] = eye.map((row) => Math.min(1, Math.max(0, row.reduce((sum, x, i) => sum + x * light[i], 0))));
  const [l, m, s] = [[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.68069955, 0.10739696], [0.08830246, 0.28171884, 0.6299787]].map((k) => Math.cbrt(k[0] * r + k[1] * g + k[2] * b));
  return [0.21045426 * l + 0.79361779 * m - 0.00407205 * s, 1.9779985 * l - 2.42859221 * m + 0.45059371 * s, 0.02590404 * l + 0.78277177 * m - 0.80867577 * s];
}

for (const [name, colours] of Object.entries({light, dark})) {
  test(`functions can be told apart by all eyes in the ${name} theme`, () => {
    const all = ['--k0', ...Array.from({length: COLOURS}, (_, i) => `--f${i}`)];
    for (const [i, a] of all.entries()) {
      assert.ok(contrast(colours[a], colours['--idle']) >= 3, `${a} on --idle`);
      assert.ok(contrast(colours[a], ink(colours[a])) >= 4.5, `label on ${a}`);
      for (const b of all.slice(0, i)) {
        for (const eye of eyes) assert.ok(Math.hypot(...oklab(colours[a], eye).map((x, k) => x - oklab(colours[b], eye)[k])) >= 0.1, `${a} and ${b}`);
      }
    }
  });
}

test('both themes have the same colours', () => {
  assert.deepEqual(Object.keys(light).sort(), Object.keys(dark).sort());
});

test('kinds of slices can be told apart without colour', () => {
  assert.equal(new Set(textures.map(String)).size, 8, 'each has a texture of its own, or as the only one none');
});
