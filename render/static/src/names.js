// Names in the page's prose: functions, goroutines, Ps and instants, which open what the
// timeline knows of them.
import {short} from './flame.js';

// A word that may be a function's name, a goroutine or a P, or an instant as offsets are
// written: with more decimals than any length has, unless "at" says that it is one.
const WORDS = /(?<at>\bat[\s\u00a0])?(?<time>\b\d+\.\d{2,9})[\s\u00a0]s\b|[\p{L}_][\p{L}\p{N}_.*()[\]{}/·…~%@+-]*/gu;
const DECIMALS = 4;
const MOST_TRIMMED = 3; // closing marks after a name

// lexicon is what prose may name: {functions, goroutines, procs}. Functions are by what
// they are called in prose; one that several share is not there, as it may be any.
export function lexicon({who, stops, rows}, names) {
  const functions = new Map();
  const add = (called, full) => { if (called && full) functions.set(called, functions.has(called) && functions.get(called) !== full ? '' : full); };
  const full = new Set(names.map(([, name]) => name));
  for (const {stack} of stops.list) for (const [fn] of stack) full.add(fn);
  const called = new Map(names.map(([name, of]) => [of, name]));
  for (const name of full) {
    add(called.get(name) ?? short(name), name);
    if (short(name) !== name) add(name, name);
  }
  return {functions, goroutines: new Set(Array.from(who.g).filter((g) => g > 0)), procs: new Set(rows.map((row) => row.p).filter((p) => p >= 0))};
}

// find are the names in a text, in order: [{at, text, kind, ...}].
export function find(text, {functions, goroutines, procs}) {
  const out = [];
  for (const m of text.matchAll(WORDS)) {
    const {at, time} = m.groups;
    if (time !== undefined) {
      if (at || time.length - time.indexOf('.') > DECIMALS) out.push({at: m.index + (at ?? '').length, text: m[0].slice((at ?? '').length), kind: 'time', instant: Math.round(Number(time) * 1e9)});
      continue;
    }
    const found = one(m[0], functions, goroutines, procs);
    if (found) out.push({at: m.index, ...found});
  }
  return out;
}

function one(word, functions, goroutines, procs) {
  const id = /^([GP])(\d{1,15})(?![\p{L}\p{N}_])/u.exec(word);
  if (id && (id[1] === 'G' ? goroutines : procs).has(Number(id[2]))) return {text: id[0], kind: id[1], id: Number(id[2])};
  if (!word.includes('.')) return null;
  for (let n = 0; n <= MOST_TRIMMED; n++) {
    const text = word.slice(0, word.length - n);
    const name = functions.get(text);
    if (name) return {text, kind: 'function', name};
    if (!/[.()\]}…-]$/.test(text)) return null;
  }
  return null;
}

const PROSE = '.verdict, main, .quality';
const NOT_THERE = '[role=img], [aria-hidden], a, button, summary, svg, canvas, dialog, code, kbd, output, select, label, h1, h2, .chart, .fn, #timeline-section, #selection, #method';

// link makes the names in the page's prose links; address is where one leads.
// What stands in a table's cell that is but a name is left to who links those.
export function link(known, address) {
  for (const root of document.querySelectorAll(PROSE)) {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walk.nextNode()) if (walk.currentNode.data.length > 1 && !walk.currentNode.parentElement.closest(NOT_THERE)) nodes.push(walk.currentNode);
    for (const node of nodes) {
      const found = find(node.data, known);
      if (found.length > 0) node.replaceWith(...parts(node.data, found, address));
    }
  }
}

// titles makes the names in the titles of findings open too. A title folds its finding, so
// that no link may stand in it: there a name is for pointing at, and what else the finding
// does not link stands as links below, for keys and for who listens.
export function titles(known, address) {
  for (const title of document.querySelectorAll('.finding:not(.instance) > summary h3')) {
    const found = find(title.textContent, known);
    if (found.length === 0) continue;
    const finding = title.closest('details');
    const linked = new Set([...finding.querySelectorAll('a.fn')].map((a) => a.hash));
    const missing = parts(title.textContent, found, address).filter((x) => x.hash && !linked.has(x.hash) && linked.add(x.hash));
    title.replaceChildren(...parts(title.textContent, found, address, 'span'));
    title.addEventListener('click', (e) => {
      const {href} = e.target.dataset;
      if (!href) return;
      e.preventDefault(); // or the finding would fold as well
      location.hash = href;
    });
    if (missing.length === 0) continue;
    const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
    dt.textContent = 'Named above';
    dd.append(...missing.flatMap((a, i) => (i > 0 ? [', ', a] : [a])));
    finding.querySelector('dl').prepend(dt, dd);
  }
}

// parts is a text with its names as links, or as elements that only look so.
function parts(text, found, address, tag = 'a') {
  const out = [];
  let from = 0;
  for (const f of found) {
    out.push(text.slice(from, f.at));
    const a = document.createElement(tag);
    Object.assign(a, {className: f.kind === 'function' ? 'fn' : 'fn id', textContent: f.text});
    if (tag === 'a') a.href = address(f);
    else a.dataset.href = address(f);
    out.push(a);
    from = f.at + f.text.length;
  }
  return [...out, text.slice(from)];
}
