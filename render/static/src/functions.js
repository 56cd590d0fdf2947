// Colours by function: those with most time have one each, so that a picture too coarse
// for labels says who ran. The same function has the same colour from one trace to the
// next, unless one with more time has it.
import {el} from './dom.js';
import {pct} from './format.js';
import {KINDS} from './scan.js';

export const COLOURS = 8; // --f0 and so on of the style sheet
const USER = 0; // analyze.SliceUser

// shade gives every track track.shade: a slice's kind, or for one of a function with a
// colour KINDS and that. labels are the functions' names by track.label. It returns
// [{name, colour, share}], those with most time first; before is what it returned for
// another part of the trace, whose colours stay.
export function shade(tracks, labels, before = []) {
  const time = new Float64Array(labels.length);
  for (const t of tracks) for (let i = 0; i < t.n; i++) if (t.kind[i] === USER) time[t.label[i]] += t.end[i] - t.start[i];
  const all = time.reduce((sum, x) => sum + x, 0);
  const top = Array.from(time.keys()).filter((k) => k > 0 && time[k] > 0).sort((a, b) => time[b] - time[a] || a - b).slice(0, COLOURS);
  const colours = assign(top.map((k) => labels[k]), new Map(before.map(({name, colour}) => [name, colour])));
  const of = new Uint8Array(labels.length);
  top.forEach((k, i) => { of[k] = KINDS + colours[i]; });
  for (const t of tracks) t.shade = Uint8Array.from(t.kind, (kind, i) => (kind === USER ? of[t.label[i]] : kind));
  return top.map((k, i) => ({name: labels[k], colour: colours[i], share: time[k] / all}));
}

// assign gives names their colours: what they had, else what their letters say, else the
// next that is free.
export function assign(names, had = new Map()) {
  const taken = new Set(names.filter((name) => had.has(name)).map((name) => had.get(name)));
  return names.map((name) => {
    if (had.has(name)) return had.get(name);
    let colour = hash(name) % COLOURS;
    while (taken.has(colour)) colour = (colour + 1) % COLOURS;
    taken.add(colour);
    return colour;
  });
}

// hash is FNV-1a.
function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}

const LEAST_TOLD = 0.005; // share of the time from which on a legend says whose colour it is

// legend says which colour is whose; more are other parts of it. Those with hardly any time
// are left to the labels, but for the one with most.
export function legend(root, functions, more) {
  const told = functions.filter(({share}, i) => i === 0 || share >= LEAST_TOLD);
  root.hidden = told.length + more.length === 0;
  root.replaceChildren(told.length > 0 ? 'Most time ran: ' : '', ...told.map(({name, colour, share}) => {
    const swatch = el('i');
    swatch.style.background = `var(--f${colour})`;
    return el('span', null, swatch, `${name} ${pct(share)}`);
  }), ...more);
}
