// A flame graph of a selection: by the stacks at which goroutines stopped, outermost call
// on top.
import {button, el} from './dom.js';
import {count, dur, pct, plural} from './format.js';
import {font, ink, read} from './theme.js';

const ROW = 20; // height of a call, in pixels
const LEAST = 0.6; // width below which a call is left out, in pixels
const LETTERS = 30; // width from which on a call is named
const CUT = 24; // calls of a stack that a page has at most: shownFrames of render/page_block.go
const IN_TABLE = 100;
const NO_GOROUTINE = -2; // instead of a name's number
const PREEMPTS = /^runtime\.asyncPreempt2?$/; // where the runtime made a goroutine stop, not what it did

// WHATS are what of a sum a flame graph can show: columns of aggregate.sum, and the number
// of their colour.
export const WHATS = [
  {id: 'ran', text: 'running', colour: 0, columns: ['ran']},
  {id: 'waited', text: 'waiting for a P', colour: 6, columns: ['waited']},
  {id: 'gone', text: 'blocked, by reason', colour: 2, columns: ['gone'], why: true},
  {id: 'left', text: 'blocked and not seen to run again', colour: 5, columns: ['leftFor'], why: true},
  {id: 'called', text: 'in system calls', colour: 4, columns: ['called', 'calledAway']},
];

// SAMPLES is another, where the trace has any: what the CPU profiler found running.
export const SAMPLES = {id: 'samples', text: 'CPU samples', colour: 1, samples: true};

// sampled is a tree of the samples in [from, to), as aggregate.sum takes a choice of rows.
export function sampled(view, {from, to}, choice, names) {
  const {samples: {every, n, at, p, g, m, stack, stacks}, who} = view;
  const name = new Map();
  who.g.forEach((id, k) => { if (!name.has(id)) name.set(id, who.name[k]); });
  const found = new Map(); // by goroutine's function and stack: many are the same
  for (let i = 0; i < n; i++) {
    if (at[i] < from || at[i] >= to || choice && !choice.ps.has(p[i]) && !choice.gs.has(g[i]) && !choice.ms.has(m[i])) continue;
    const of = g[i] > 0 ? name.get(g[i]) ?? -1 : NO_GOROUTINE;
    const key = `${of} ${stack[i]}`;
    const f = found.get(key) ?? {name: of, stop: {stack: stacks[stack[i]]}, n: 0};
    f.n += every;
    found.set(key, f);
  }
  const root = node(SAMPLES.text, '', null);
  for (const f of found.values()) put(root, f, f.n, SAMPLES, names);
  order(root);
  return root;
}

// short is a function's name without the directories of its package.
export function short(name) {
  return name.replace(/[\w.~%@+-]+\//g, '');
}

// tree is what a sum says of what, a node a call: {text, full, ns, self, depth, parent,
// children}. names are the page's names of what goroutines run.
export function tree(sums, what, names) {
  const root = node(what.text, '', null);
  for (let at = 1; at < sums.list.length; at++) {
    let ns = 0;
    for (const c of what.columns) ns += sums[c][at];
    if (ns > 0) put(root, sums.list[at], ns, what, names);
  }
  order(root);
  return root;
}

function node(text, full, parent) {
  return {text, full, ns: 0, self: 0, depth: parent ? parent.depth + 1 : 0, parent, children: new Map()};
}

function put(root, {name, stop}, ns, what, names) {
  let at = root;
  const step = (text, full) => {
    at.ns += ns;
    const key = full || text;
    let next = at.children.get(key);
    if (!next) {
      next = node(text, full, at);
      at.children.set(key, next);
    }
    at = next;
  };
  const [shortName, fullName] = names[name] ?? ['', ''];
  if (what.why) step(stop.why || 'why is not known', '');
  if (shortName || !what.samples) step(shortName || 'goroutines of no known function', fullName);
  else if (name === NO_GOROUTINE) step('threads without a goroutine', '');
  const {stack} = stop;
  if (stack.length === CUT) step('…', '');
  for (let i = stack.length - 1; i >= 0; i--) {
    const [fn] = stack[i];
    if (fn === at.full || PREEMPTS.test(fn)) continue; // who calls itself is shown once
    step(short(fn), fn);
  }
  at.ns += ns;
  at.self += ns;
}

function order(of) {
  of.children = [...of.children.values()].sort((a, b) => b.ns - a.ns || (a.text < b.text ? -1 : 1));
  for (const child of of.children) order(child);
}

// functions are the calls of a tree by their function: {text, full, self, ns}, a recursive
// function's time counted once.
export function functions(root) {
  const found = new Map();
  const open = new Set();
  const visit = (n) => {
    const key = n.full || n.text;
    let f = found.get(key);
    if (!f) {
      f = {text: n.text, full: n.full, self: 0, ns: 0};
      found.set(key, f);
    }
    f.self += n.self;
    const outer = !open.has(key);
    if (outer) {
      f.ns += n.ns;
      open.add(key);
    }
    for (const child of n.children) visit(child);
    if (outer) open.delete(key);
  };
  for (const child of root.children) visit(child);
  return [...found.values()].sort((a, b) => b.self - a.self || b.ns - a.ns || (a.text < b.text ? -1 : 1));
}

// Flame paints a tree, and moves in it by mouse and keys.
export class Flame {
  // $ finds an element by its id; open shows a function's instances.
  constructor($, open) {
    Object.assign(this, {root: $('flame'), says: $('flame-says'), go: $('flame-open'), rows: $('flame-rows'), open});
    this.canvas = el('canvas', {'aria-hidden': 'true'});
    this.root.replaceChildren(this.canvas);
    this.tree = this.top = this.chosen = null;
    this.canvas.addEventListener('mousemove', (e) => this.tell(this.at(e) ?? this.chosen));
    this.canvas.addEventListener('mouseleave', () => this.tell(this.chosen));
    this.canvas.addEventListener('click', (e) => {
      const n = this.at(e);
      if (n) this.choose(n, n);
    });
    this.root.addEventListener('keydown', (e) => this.key(e));
    this.go.addEventListener('click', () => { if (this.chosen?.full) this.open(this.chosen.full); });
  }

  // show takes another tree.
  show(tree, what) {
    Object.assign(this, {tree, what, whole: tree.ns});
    this.table();
    this.choose(tree, tree);
  }

  choose(chosen, top = this.top) {
    Object.assign(this, {chosen, top});
    this.paint();
    this.tell(chosen);
    this.go.disabled = !chosen.full;
  }

  // tell says what a call is.
  tell(n) {
    if (!n || !this.tree) return;
    const {samples} = this.what;
    if (this.tree.ns === 0) this.says.textContent = samples ? 'Nothing: no CPU sample was taken here.' : `Nothing: no goroutine was ${this.tree.text} here.`;
    else this.says.textContent = `${n.full || n.text}: ${this.much(n.ns)} (${pct(n.ns / this.whole)})${n.parent && n.self > 0 ? `, ${samples ? 'in itself' : 'last seen in itself for'} ${this.much(n.self)}` : ''}`;
  }

  // much is an amount of what is shown.
  much(n) {
    return this.what.samples ? plural(n, 'sample') : dur(n);
  }

  // at is the call below the mouse.
  at(e) {
    const {left, top} = this.canvas.getBoundingClientRect();
    const [x, y] = [e.clientX - left, e.clientY - top];
    return this.drawn?.find((d) => x >= d.x && x < d.x + d.width && y >= d.y && y < d.y + ROW)?.n ?? null;
  }

  // paint draws the callers of the one on top over its whole width, and what it calls.
  paint() {
    if (!this.tree) return;
    const width = Math.max(100, this.root.clientWidth);
    this.drawn = [];
    const above = [];
    for (let n = this.top; n; n = n.parent) above.unshift(n);
    above.forEach((n, i) => this.drawn.push({n, x: 0, y: i * ROW, width}));
    this.below(this.top, 0, above.length * ROW, width / Math.max(1, this.top.ns));
    const height = Math.max(...this.drawn.map((d) => d.y)) + ROW;
    const ratio = globalThis.devicePixelRatio || 1;
    Object.assign(this.canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)});
    Object.assign(this.canvas.style, {width: `${width}px`, height: `${height}px`});
    const c = this.canvas.getContext('2d');
    c.scale(ratio, ratio);
    c.font = `12px ${font}`;
    c.textBaseline = 'middle';
    const palette = read();
    for (const d of this.drawn) this.call(c, d, palette);
  }

  below(of, left, y, scale) {
    let x = left;
    for (const n of of.children) {
      const width = n.ns * scale;
      if (width >= LEAST) {
        this.drawn.push({n, x, y, width});
        this.below(n, x, y + ROW, scale);
      }
      x += width;
    }
  }

  call(c, {n, x, y, width}, palette) {
    const colour = shade(palette.kinds[this.what.colour], palette.back, n.full || n.text);
    c.fillStyle = colour;
    c.fillRect(x, y, Math.max(LEAST, width - (width > 3 ? 1 : 0)), ROW - 1);
    if (n === this.chosen) {
      c.strokeStyle = palette.text;
      c.lineWidth = 2;
      c.strokeRect(x + 1, y + 1, Math.max(1, width - 3), ROW - 3);
    }
    if (width < LETTERS) return;
    c.save();
    c.beginPath();
    c.rect(x, y, width - 4, ROW);
    c.clip();
    c.fillStyle = ink(colour);
    c.fillText(n.text, x + 4, y + ROW / 2);
    c.restore();
  }

  key(e) {
    if (!this.tree || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey) return;
    const n = this.chosen;
    const beside = n.parent ? n.parent.children : [n];
    const to = {
      ArrowUp: () => n.parent, ArrowDown: () => n.children[0],
      ArrowLeft: () => beside[beside.indexOf(n) - 1], ArrowRight: () => beside[beside.indexOf(n) + 1],
    }[e.key];
    if (to) this.move(to());
    else if (e.key === 'Enter') this.choose(n, n);
    else if (e.key === 'Escape' && this.top !== this.tree) this.choose(this.tree, this.tree);
    else if (e.key === 'o' && n.full) this.open(n.full);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  // move chooses a call, and makes it the one on top where it could not be seen.
  move(n) {
    if (!n) return;
    this.choose(n, this.top);
    if (!this.drawn.some((d) => d.n === n)) this.choose(n, n.parent ?? n);
  }

  // table is the same as a table.
  table() {
    const list = functions(this.tree);
    const cell = (of, text) => el('td', {'data-th': of}, text);
    const length = (of, ns) => cell(of, ns > 0 ? this.much(ns) : '');
    this.rows.replaceChildren(...list.slice(0, IN_TABLE).map((f) => el('tr', null,
      el('td', {className: 'name'}, f.full ? button(f.text, () => this.open(f.full), {className: 'jump', title: f.full}) : f.text),
      length('last seen in itself', f.self), length('with what it called', f.ns), cell('share', pct(f.ns / this.whole)))));
    if (list.length > IN_TABLE) this.rows.append(el('tr', null, el('td', {className: 'name', colSpan: 4}, `and ${count(list.length - IN_TABLE)} more`)));
  }
}

// shade is a colour between one and the background's, the same for the same text.
function shade(colour, back, text) {
  let hash = 7;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) >>> 0;
  const part = (hash % 8) / 14;
  const mix = (i) => Math.round(parseInt(colour.slice(i, i + 2), 16) * (1 - part) + parseInt(back.slice(i, i + 2), 16) * part);
  return `#${[1, 3, 5].map((i) => mix(i).toString(16).padStart(2, '0')).join('')}`;
}
