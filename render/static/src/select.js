// A selection on the timeline: a part of its time, of all rows or of some beside each other.
import * as aggregate from './aggregate.js';
import {button, copy, el} from './dom.js';
import {dur, offset, plural} from './format.js';
import {Flame, SAMPLES, WHATS, sampled, tree} from './flame.js';
import * as paint from './paint.js';
import {fit, MIN, spell} from './span.js';
import * as sums from './sums.js';

const ROWS_FROM = 8; // pixels up or down from which on a drag chooses rows
const STEP = 1 / 40; // of the window, that a key moves the end of a selection by

// ofSamples says what a flame graph of samples tells.
function ofSamples({all, every}) {
  return `By the stacks at which the CPU profiler found threads running: ${plural(all, 'sample')} in the whole trace, 100 for a second of CPU time unless the program chose otherwise.${every > 1 ? ` The page has one in ${every}, which stands for all of them.` : ''}`;
}

export class Selection {
  // openName shows a function's instances.
  constructor(timeline, $, openName, openSpan) {
    Object.assign(this, {timeline, $, openName, openSpan, done: null});
    this.mark = el('div', {className: 'selected', hidden: true});
    timeline.root.append(this.mark);
    this.flame = new Flame($, openName);
    for (const type of ['mousedown', 'pointerdown', 'mousemove', 'pointermove', 'mouseup', 'pointerup', 'click']) {
      timeline.root.addEventListener(type, (e) => this.drag(e), true);
    }
    timeline.root.addEventListener('keydown', (e) => this.key(e), true);
    timeline.onChange(() => this.follow());
    const what = $('flame-of');
    this.whats = timeline.view.samples ? [...WHATS, SAMPLES] : WHATS;
    this.take = $('flame-take').textContent;
    what.replaceChildren(...this.whats.map((w, i) => el('option', {value: String(i)}, w.text)));
    what.addEventListener('change', () => this.drawFlame());
    $('select-shown').addEventListener('click', () => this.selectShown());
    $('select-none').addEventListener('click', () => this.select(null));
    $('select-rows').addEventListener('click', () => this.select({...this.range(), rows: null}));
    $('select-row').addEventListener('click', () => this.selectRow());
    $('select-zoom').addEventListener('click', () => timeline.fit());
    $('select-text').addEventListener('click', (e) => copy(e.target, sums.asText(this.head, this.tables)));
    $('select-link').addEventListener('click', (e) => copy(e.target, location.href.split('#')[0] + timeline.hash()));
    // What nobody has looked at is not summed up.
    new IntersectionObserver((seen) => {
      this.seen = seen.some((x) => x.isIntersecting);
      this.update();
    }).observe($('selection'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.flame.paint());
    addEventListener('resize', () => this.flame.paint());
  }

  // range is the selection, or all of the trace.
  range() {
    const [from, to] = this.timeline.bounds;
    return this.chosen ?? {from, to, rows: null};
  }

  get chosen() {
    return this.timeline.selected;
  }

  // select makes another selection; null for none. It is what its address says.
  select(chosen) {
    this.timeline.selected = chosen && {...chosen, from: Math.round(chosen.from), to: Math.round(chosen.to)};
    this.timeline.changed();
  }

  selectShown() {
    const [from, to] = this.timeline.view.window;
    this.select({from, to, rows: this.chosen?.rows ?? null});
  }

  selectRow() {
    const {view} = this.timeline;
    const id = view.rows[view.row]?.id;
    if (id) this.select({...this.range(), rows: [id, id]});
  }

  // drag selects while the shift key is held: the chart sees nothing of it.
  drag(e) {
    const what = e.type.replace('pointer', 'mouse'); // both come, in this order
    if (what === 'mousedown' && e.shiftKey && e.button === 0 && !this.begun) {
      this.begun = this.place(e);
      if (e.pointerId !== undefined) this.timeline.root.setPointerCapture(e.pointerId);
    }
    if (!this.begun) return;
    e.stopPropagation();
    if (!e.type.startsWith('pointer')) e.preventDefault(); // or no mouse's events would follow
    if (what === 'mousemove' && !this.ended) this.draw(this.between(this.begun, this.place(e)));
    if (what !== 'mouseup' || this.ended) return;
    const to = this.place(e);
    this.ended = true;
    if (Math.abs(to.x - this.begun.x) > 2) this.select(this.between(this.begun, to));
    else this.draw(this.chosen);
    this.timeline.root.focus({preventScroll: true});
    setTimeout(() => { this.begun = this.ended = null; }); // after the click that follows
  }

  place(e) {
    const {left, top} = this.timeline.root.getBoundingClientRect();
    return {x: e.clientX - left, y: e.clientY - top};
  }

  // between is the selection between two places.
  between(a, b) {
    const {box, view, bounds} = this.timeline;
    const [start, end] = view.window;
    const instant = (x) => start + (Math.max(0, Math.min(box.width, x - box.x)) / box.width) * (end - start);
    const [from, to] = [instant(Math.min(a.x, b.x)), instant(Math.max(a.x, b.x))];
    let rows = null;
    if (Math.abs(a.y - b.y) >= ROWS_FROM) {
      const at = (y) => Math.max(0, Math.min(view.rows.length - 1, paint.rowAt(box, view, Math.max(box.y, Math.min(box.y + box.height - 1, y)))));
      rows = [at(Math.min(a.y, b.y)), at(Math.max(a.y, b.y))].map((i) => view.rows[i].id);
      if (rows[0] === view.rows[0].id && rows[1] === view.rows.at(-1).id) rows = null;
    }
    const [low, high] = fit([from, Math.max(from + Math.min(MIN, bounds[1] - bounds[0]), to)], bounds);
    return {from: low, to: high, rows};
  }

  // key makes selections by keys: x of what is shown, Shift and arrows to change it.
  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === 'x') this.selectShown();
    else if (e.key === 'Escape' && this.chosen) this.select(null);
    else if (e.shiftKey && (e.key === 'ArrowLeft' || e.key === 'ArrowRight')) this.stretch(e.key === 'ArrowLeft' ? -STEP : STEP);
    else if (e.shiftKey && (e.key === 'ArrowUp' || e.key === 'ArrowDown')) this.stretchRows(e.key === 'ArrowUp' ? -1 : 1);
    else return;
    e.preventDefault();
    e.stopImmediatePropagation();
  }

  // stretch moves the end of the selection. The first one is the chosen slice, or begins in
  // the middle of what is shown.
  stretch(share) {
    const {view, bounds} = this.timeline;
    const [start, end] = view.window;
    const by = (end - start) * share;
    const first = view.chosen ? {from: view.chosen.start, to: view.chosen.end, rows: null} : {from: (start + end) / 2, to: (start + end) / 2, rows: null};
    const was = this.chosen ?? first;
    const to = Math.min(bounds[1], Math.max(was.from + MIN, was.to + (this.chosen || !view.chosen ? by : 0)));
    if (to > was.from) this.select({...was, to});
  }

  stretchRows(by) {
    const {view} = this.timeline;
    const last = view.rows.length - 1;
    if (last < 0) return;
    const was = this.range();
    const at = was.rows ? was.rows.map((id) => Math.max(0, view.rowById(id))) : null;
    const first = at ? at[0] : Math.max(0, view.row);
    const end = at ? Math.max(first, Math.min(last, at[1] + by)) : first;
    this.select({...was, rows: [view.rows[first].id, view.rows[end].id]});
  }

  // rows are those of a selection: {text, choice}, choice as aggregate.sum takes it.
  rows({rows}) {
    const {view} = this.timeline;
    if (!rows) return {text: 'all rows', choice: null};
    const [a, b] = rows.map((id) => view.rowById(id));
    if (a < 0 || b < 0) return {text: `rows ${rows.join(' to ')}, which are not shown: all rows`, choice: null};
    const list = view.rows.slice(Math.min(a, b), Math.max(a, b) + 1);
    const ids = (key) => new Set(list.map((row) => row[key]).filter((id) => id >= 0));
    const choice = {ps: ids('p'), gs: ids('g'), ms: ids('m')};
    const any = choice.ps.size + choice.gs.size + choice.ms.size > 0;
    return {text: rows[0] === rows[1] ? `row ${rows[0]}` : `rows ${rows[0]} to ${rows[1]}`, choice: any ? choice : null};
  }

  // follow keeps the mark where it belongs, and the sums of what is selected.
  follow() {
    this.draw(this.chosen);
    const {view} = this.timeline;
    this.$('select-row').disabled = view.row < 0;
    this.$('select-row').textContent = view.row < 0 ? 'Only the chosen row' : `Only row ${view.rows[view.row].label}`;
    this.update();
  }

  draw(chosen) {
    const {box, view} = this.timeline;
    const scale = box ? box.width / (view.window[1] - view.window[0]) : 0;
    const left = chosen && box ? Math.max(0, (chosen.from - view.window[0]) * scale) : 0;
    const right = chosen && box ? Math.min(box.width, (chosen.to - view.window[0]) * scale) : 0;
    this.mark.hidden = right <= left;
    if (this.mark.hidden) return;
    let [top, bottom] = [box.y, box.y + box.height];
    const at = chosen.rows?.map((id) => view.rowById(id)) ?? [];
    if (at.length > 0 && at.every((i) => i >= 0)) {
      const last = paint.rowBox(box, view, Math.max(...at));
      [top, bottom] = [paint.rowBox(box, view, Math.min(...at)).y, last.y + last.height];
    }
    Object.assign(this.mark.style, {left: `${box.x + left}px`, width: `${Math.max(2, right - left)}px`, top: `${top}px`, height: `${bottom - top}px`});
  }

  // update sums the selection up, once somebody looks.
  update() {
    const {$, chosen, timeline} = this;
    for (const id of ['select-none', 'select-zoom']) $(id).disabled = !chosen;
    $('select-rows').disabled = !chosen?.rows;
    if (!chosen && !this.seen) {
      this.done = null;
      return;
    }
    const range = this.range();
    const key = spell(range);
    if (this.done?.key === key && this.done.view === timeline.view) return;
    const {text, choice} = this.rows(range);
    const got = aggregate.sum(timeline.view, {...range, choice});
    this.done = {key, view: timeline.view, sums: got, range, choice};
    $('selection-title').textContent = chosen ? `Selection: ${dur(range.to - range.from)} from ${offset(range.from, range.to - range.from)}, ${text}` : 'What the whole trace consists of';
    this.head = sums.headline(got, text);
    this.tables = sums.tables(timeline.view, timeline.meta, got);
    $('selection-says').textContent = this.head;
    $('selection-sums').replaceChildren(...this.tables.map((t, i) => this.table(t, i)));
    this.drawFlame();
  }

  drawFlame() {
    if (!this.done) return;
    const {view, meta: {names}} = this.timeline;
    const what = this.whats[Number(this.$('flame-of').value)];
    this.$('flame-take').textContent = what.samples ? ofSamples(view.samples) : this.take;
    this.flame.show(what.samples ? sampled(view, this.done.range, this.done.choice, names) : tree(this.done.sums, what, names), what);
  }

  table({title, note, head, rows}, i) {
    const heads = head.map((text, k) => {
      const th = el('th', {className: k === 0 ? 'word' : ''}, text);
      th.scope = 'col';
      return th;
    });
    const table = el('table', {className: 'data cards'}, el('caption', {className: 'vh'}, title), el('thead', null, el('tr', null, ...heads)), el('tbody', null, ...rows.map((row) => el('tr', null, ...row.map((c, k) => this.cell(c, k, head[k]))))));
    const box = el('div', {className: 'scroll', tabIndex: 0, 'aria-label': title}, table);
    box.setAttribute('role', 'region');
    return el('div', {className: 'sum', id: `sum-${i}`}, el('h3', null, title), ...(note ? [el('p', {className: 'take'}, note)] : []), box);
  }

  cell(c, k, of) {
    const props = k === 0 ? {className: 'name'} : {'data-th': of};
    if (typeof c === 'string') return el('td', props, c);
    const act = c.span ? () => this.openSpan(c.span) : () => this.openName(c.name);
    return el('td', props, c.span || c.name ? button(c.text, act, {className: 'jump'}) : c.text);
  }
}
