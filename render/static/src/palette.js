// The search dialog: everything of the page that has a name, and instants.
import * as detail from './detail.js';
import {el} from './dom.js';
import {dur, offset} from './format.js';
import {short} from './flame.js';
import {parseLength} from './search.js';

const MOST = 40; // results in the list
const MOST_OF_KIND = 12;
const MOST_LINES = 3; // of what a row shows of an instant
const PLACES = 'main section[id] > h2, main details[id] > summary h3'; // headings that the address can name

// instant reads "1.2s" or "350 ms"; NaN for what is none.
export function instant(text) {
  const length = text.trim().replace(/^@/, '');
  return /s$/i.test(length) ? parseLength(length) : NaN; // a number alone is a goroutine
}

// moment reads "P3 at 1.2s", "heap 350 ms" or an instant alone: {at, of}, of what is asked in
// small letters; null for what has no instant.
export function moment(text) {
  const m = /(?:^|\s)@?(\d+(?:[.,]\d+)?\s*[nuµm]?s)(?=\s|$)/i.exec(text);
  const at = m ? instant(m[1]) : NaN;
  if (Number.isNaN(at)) return null;
  const rest = `${text.slice(0, m.index)} ${text.slice(m.index + m[0].length)}`;
  return {at, of: rest.toLowerCase().split(/\s+/).filter((word) => word && word !== 'at' && word !== '@').join(' ')};
}

// asked are the numbers of the rows that are called so, all where nothing is said.
export function asked(rows, of) {
  const all = rows.map((row, i) => i);
  const called = (i, fits) => [rows[i].label, rows[i].id, rows[i].lane?.name ?? ''].some((name) => fits(name.toLowerCase()));
  const exact = all.filter((i) => called(i, (name) => name === of));
  return of === '' ? all : exact.length > 0 ? exact : all.filter((i) => called(i, (name) => name.includes(of)));
}

// rank is how well a text (in lower case) fits words, the less the better; -1 for not.
export function rank(text, words) {
  let worst = 0;
  for (const w of words) {
    const at = text.indexOf(w);
    if (at < 0) return -1;
    worst = Math.max(worst, at === 0 ? 0 : /[\w]/.test(text[at - 1]) ? 2 : 1);
  }
  return worst;
}

// index is what can be found by its name, made when first asked for:
// [{kind, text, lower, ...}], by kind.
export function index(view, meta, places) {
  const full = new Set();
  for (const stop of view.stops.list) for (const [fn] of stop.stack) full.add(fn);
  for (const [, name] of meta.names) if (name) full.add(name);
  const entry = (kind, text, more) => ({kind, text, lower: text.toLowerCase(), ...more});
  return [
    ...meta.findings.map((f) => entry('finding', `${f.number} ${f.title}`, {finding: f})),
    ...[...full].map((name) => entry('function', name, {name})),
    ...(meta.spans ?? []).map((s) => entry(s.kind, s.name, {span: s})),
    ...(meta.spans ?? []).flatMap((s) => (s.logs ?? []).map((log) => entry('log message', log, {span: s}))),
    ...view.rows.map((row) => entry('row', row.lane?.name || row.label, {row: row.id})),
    ...places.map(({text, id}) => entry('part of the page', text, {id})),
  ];
}

// goroutines are those whose id begins with the digits of "G12" or "12", shortest first.
export function goroutines(who, text) {
  const m = /^g?(\d{1,15})$/i.exec(text.trim());
  if (!m) return [];
  const wanted = Number(m[1]);
  const found = new Map();
  for (let k = 0; k < who.g.length && found.size < 2000; k++) {
    let g = who.g[k];
    if (g < wanted) continue;
    const id = g;
    while (g > wanted) g = Math.floor(g / 10);
    if (g === wanted && !found.has(id)) found.set(id, k);
  }
  return [...found].sort((a, b) => a[0] - b[0]);
}

// find are the best entries for a text, few of each kind.
export function find(entries, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = [];
  for (const e of entries) {
    const r = words.length === 0 ? (e.kind === 'finding' || e.kind === 'part of the page' ? 0 : -1) : rank(e.kind === 'function' ? (e.short ??= short(e.lower)) : e.lower, words);
    const again = r < 0 && e.kind === 'function' && words.length > 0 ? rank(e.lower, words) : -1;
    if (r >= 0) fits.push([r, e]);
    else if (again >= 0) fits.push([3, e]);
  }
  fits.sort((a, b) => a[0] - b[0] || a[1].text.length - b[1].text.length);
  const seen = new Map();
  return fits.map(([, e]) => e).filter((e) => {
    seen.set(e.kind, (seen.get(e.kind) ?? 0) + 1);
    return seen.get(e.kind) <= MOST_OF_KIND;
  }).slice(0, MOST);
}

// Palette is the dialog. acts do what is chosen: see tools.js.
export class Palette {
  constructor(timeline, $, acts) {
    Object.assign(this, {timeline, acts, dialog: $('palette'), field: $('palette-text'), box: $('palette-list'), says: $('palette-says'), results: [], at: 0});
    this.field.addEventListener('input', () => this.search());
    this.field.addEventListener('keydown', (e) => this.key(e));
    this.box.addEventListener('click', (e) => {
      const item = e.target.closest('[role=option]');
      if (item) this.choose(Number(item.dataset.at));
    });
    this.dialog.addEventListener('click', (e) => { if (e.target === this.dialog) this.dialog.close(); });
    document.addEventListener('keydown', (e) => {
      const ctrlK = e.key === 'k' && (e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey;
      const slash = e.key === '/' && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest?.('input, select, textarea');
      if (!ctrlK && !slash) return;
      e.preventDefault();
      this.open();
    });
    $('palette-open').addEventListener('click', () => this.open());
  }

  open() {
    if (document.querySelector('dialog[open]')) return;
    this.field.value = '';
    this.dialog.showModal();
    this.search();
    this.field.focus();
  }

  // entries are made anew where the timeline's view is another one.
  entries() {
    const {view, meta} = this.timeline;
    if (this.view !== view || this.rows !== view.rows.length) {
      const told = new Set(meta.findings.map((f) => `f${f.number}`));
      const places = [...document.querySelectorAll(PLACES)].map((h) => ({text: h.textContent, id: h.closest('section[id], details[id]').id})).filter(({id}) => !told.has(id));
      Object.assign(this, {view, rows: view.rows.length, made: index(view, meta, places)});
    }
    return this.made;
  }

  search() {
    const text = this.field.value;
    const {view, meta} = this.timeline;
    const out = this.then(text);
    for (const [g, who] of goroutines(view.who, text).slice(0, MOST_OF_KIND)) out.push({kind: 'goroutine', text: `G${g} ${meta.names[view.who.name[who]]?.[1] ?? ''}`.trim(), g});
    this.results = [...out, ...find(this.entries(), text)].slice(0, MOST);
    this.at = 0;
    this.says.textContent = this.results.length === 0 ? 'Nothing is called so.' : `${this.results.length}${this.results.length === MOST ? ' and more' : ''} found.`;
    this.box.replaceChildren(...this.results.map(item));
    this.mark();
  }

  // then is an instant that a text names, and what each row, or the one that it names, shows of
  // it: who ran on each P, how many goroutines were in which state, how large the heap was.
  then(text) {
    const {view, bounds, meta} = this.timeline;
    const said = moment(text);
    if (!said || said.at < bounds[0] || said.at > bounds[1]) return [];
    const at = said.at;
    const says = (row) => {
      const {title, lines} = detail.describe(view, meta, row, at);
      return [title, ...lines.slice(0, MOST_LINES)].join(' · ');
    };
    const rows = asked(view.rows, said.of).map((row) => ({kind: `at ${offset(at, 1e6)}`, text: says(row), row: view.rows[row].id, instant: at}));
    return said.of === '' ? [{kind: 'instant', text: offset(at, 1e6), instant: at}, ...rows] : rows;
  }

  mark() {
    const items = this.box.children;
    for (let i = 0; i < items.length; i++) items[i].setAttribute('aria-selected', String(i === this.at));
    items[this.at]?.scrollIntoView({block: 'nearest'});
    if (items.length > 0) this.field.setAttribute('aria-activedescendant', `palette-${this.at}`);
    else this.field.removeAttribute('aria-activedescendant');
  }

  key(e) {
    const by = {ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10}[e.key];
    if (by) {
      this.at = Math.max(0, Math.min(this.results.length - 1, this.at + by));
      this.mark();
    } else if (e.key === 'Enter') this.choose(this.at);
    else return;
    e.preventDefault();
  }

  choose(i) {
    const r = this.results[i];
    if (!r) return;
    this.dialog.close();
    this.acts[actOf(r)](r);
  }
}

function item(r, i) {
  const long = r.span ? [el('span', {className: 'likely'}, ` ${dur(r.span.end - r.span.start)}`)] : [];
  const li = el('li', {id: `palette-${i}`, 'data-at': i, 'aria-selected': 'false'}, el('span', {className: 'likely'}, r.kind), ' ', r.text, ...long);
  li.setAttribute('role', 'option');
  return li;
}

function actOf(r) {
  if (r.finding) return 'finding';
  if (r.span) return 'span';
  if (r.row && r.instant !== undefined) return 'moment';
  return {instant: 'instant', goroutine: 'goroutine', function: 'function', row: 'row'}[r.kind] ?? 'place';
}
