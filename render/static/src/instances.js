// The view of one function or goroutine: all slices of it that the timeline has, with what
// they waited for.
import {links} from './absent.js';
import {prepare} from './aggregate.js';
import {button, el} from './dom.js';
import {count, dur, offset, plural} from './format.js';
import {person} from './panel.js';
import {waker} from './decode.js';

const AT_ONCE = 100; // slices in the list, until more are asked for

// ofFunction tells by number of an end (see aggregate.prepare) whether a function was what
// its goroutine runs (1) or on the stack at which it stopped (2).
export function ofFunction(view, names, name) {
  const {list} = prepare(view);
  return Uint8Array.from(list, (end, at) => {
    if (at === 0) return 0;
    if (end.stop.label === name || end.stop.stack.some(([fn]) => fn === name)) return 2;
    const own = names[end.name];
    return own && (own[0] === name || own[1] === name) ? 1 : 0;
  });
}

// collect are the slices whose end fits and whose person fits, with sums:
// {ran, waited, gone, goroutines, slices: [{track, i, ns, gone}]}, in order of time.
export function collect(view, ends, people) {
  const {offset: first, gone} = links(view);
  const {end} = prepare(view);
  const out = {ran: 0, waited: 0, gone: 0, goroutines: new Set(), slices: []};
  view.tracks.forEach((track, k) => {
    for (let i = 0, at = first[k]; i < track.n; i++, at++) {
      if (ends ? ends[end[at]] === 0 : people[track.who[i]] === 0) continue;
      const s = {track, i, ns: track.end[i] - track.start[i], wait: track.wait[i], gone: gone[at]};
      out.ran += s.ns;
      out.waited += s.wait;
      out.gone += Math.abs(s.gone);
      out.goroutines.add(view.who.g[track.who[i]]);
      out.slices.push(s);
    }
  });
  out.slices.sort((a, b) => a.track.start[a.i] - b.track.start[b.i]);
  return out;
}

const orders = {
  time: (a, b) => a.track.start[a.i] - b.track.start[b.i],
  ran: (a, b) => b.ns - a.ns,
  waited: (a, b) => b.wait - a.wait,
  gone: (a, b) => Math.abs(b.gone) - Math.abs(a.gone),
};

// Instances is the dialog.
export class Instances {
  constructor(timeline, $) {
    Object.assign(this, {timeline, $, shown: AT_ONCE});
    this.dialog = $('instances');
    $('instances-close').addEventListener('click', () => this.dialog.close());
    $('instances-order').addEventListener('change', () => this.list());
    $('instances-more').addEventListener('click', () => {
      this.shown += 10 * AT_ONCE;
      this.list();
    });
    $('instances-find').addEventListener('click', () => {
      this.dialog.close();
      this.onFind?.(this.name);
    });
  }

  // ofFunction opens the view of a function, by its full name or as slices are labelled.
  ofFunction(name) {
    const {view, meta} = this.timeline;
    const ends = ofFunction(view, meta.names, name);
    this.open(name, collect(view, ends, null), `Slices that ended in ${name} or in what it called, or of goroutines that it was started with. What a goroutine did between two stops is not known: a slice counts for the stack at its end.`);
  }

  // ofGoroutine opens that of a goroutine.
  ofGoroutine(g) {
    const {view} = this.timeline;
    const people = Uint8Array.from(view.who.g, (id) => (id === g ? 1 : 0));
    const who = people.indexOf(1);
    this.open(`G${g}`, collect(view, null, people), who < 0 ? 'The timeline has no slice of it.' : `All slices of ${person(this.timeline, who)}.`);
  }

  open(name, found, what) {
    const {$} = this;
    Object.assign(this, {name, found, shown: AT_ONCE});
    $('instances-title').textContent = name;
    $('instances-what').textContent = what;
    const {ran, waited, gone, goroutines, slices} = found;
    const partly = this.timeline.meta.kept.length === 1 && this.timeline.meta.kept[0][1] > this.timeline.bounds[1] ? '' : ', of what is kept in full detail';
    $('instances-sum').textContent = `${plural(slices.length, 'slice')} of ${plural(goroutines.size, 'goroutine')}${partly}: ran ${dur(ran)}, was runnable before for ${dur(waited)}, blocked or in a system call after for ${dur(gone)}.`;
    $('instances-order').value = 'ran';
    this.list();
    if (!this.dialog.open) this.dialog.showModal();
    $('instances-list').scrollTop = 0;
  }

  list() {
    const {$, found} = this;
    const list = found.slices.toSorted?.(orders[$('instances-order').value]) ?? [...found.slices].sort(orders[$('instances-order').value]);
    $('instances-rows').replaceChildren(...list.slice(0, this.shown).map((s) => this.row(s)));
    $('instances-more').hidden = list.length <= this.shown;
    $('instances-more').textContent = `Show more of ${count(list.length)}`;
  }

  row(s) {
    const {view} = this.timeline;
    const {track, i} = s;
    const stop = view.stopOf(s);
    const woke = (track.from[i] & 127) === 0 ? -1 : waker(track, i, view.who);
    const cell = (text, className = '') => el('td', {className}, text);
    const at = button(offset(track.start[i], 1e6), () => {
      this.dialog.close();
      this.onLeave?.();
      this.timeline.goTo({track, i});
    }, {className: 'jump', title: 'To this slice'});
    const away = s.gone === 0 ? '' : dur(Math.abs(s.gone));
    const where = stop.stack.length > 0 ? stop.label || stop.stack[0][0] : '';
    return el('tr', null, cell(at), cell(person(this.timeline, track.who[i]), 'name'), cell(`P${track.p}`), cell(dur(s.ns)), cell(s.wait > 0 ? dur(s.wait) : ''),
      cell(woke < 0 ? '' : person(this.timeline, woke), 'name'), cell(s.gone < 0 ? 'system call' : stop.why, 'word'), cell(away), cell(where, 'name'));
  }
}
