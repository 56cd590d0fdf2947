// The view of one function: all slices of it that the timeline has, with what they waited
// for.
import {links} from './absent.js';
import {named} from './ask.js';
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

// collect are the slices whose end fits, by the numbers that absent.links gives them: {ran, waited, gone, goroutines, slices}.
export function collect(view, ends) {
  const {offset: from, gone} = links(view);
  const {end} = prepare(view);
  const out = {ran: 0, waited: 0, gone: 0, goroutines: new Set(), slices: []};
  view.tracks.forEach((track, k) => {
    for (let i = 0, at = from[k]; i < track.n; i++, at++) {
      if (ends[end[at]] === 0) continue;
      out.ran += track.end[i] - track.start[i];
      out.waited += track.wait[i];
      out.gone += Math.abs(gone[at]);
      out.goroutines.add(track.who[i]);
      out.slices.push(at);
    }
  });
  out.goroutines = new Set([...out.goroutines].map((who) => view.who.g[who]));
  return out;
}

const orders = { // most first
  time: (s) => -s.track.start[s.i],
  ran: (s) => s.track.end[s.i] - s.track.start[s.i],
  waited: (s) => s.track.wait[s.i],
  gone: (s, gone) => Math.abs(gone),
};

// first are the at most n slices of a list of numbers that have most of what an order
// says, in that order: a million need not be sorted to show a hundred.
export function first(view, list, order, n) {
  const {offset: from, gone} = links(view);
  const values = [];
  const out = [];
  let k = 0; // the list is in order of tracks
  const s = {track: null, i: 0};
  for (const at of list) {
    while (at >= from[k + 1]) k++;
    s.track = view.tracks[k];
    s.i = at - from[k];
    const value = orders[order](s, gone[at]);
    if (out.length === n && value <= values[n - 1]) continue;
    let low = 0;
    let high = out.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[middle] >= value) low = middle + 1;
      else high = middle;
    }
    values.splice(low, 0, value);
    out.splice(low, 0, {track: s.track, i: s.i, gone: gone[at]});
    if (out.length > n) {
      values.pop();
      out.pop();
    }
  }
  return out;
}

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
    this.open(name, collect(view, ends), `Slices that ended in ${name} or in what it called, or of goroutines that it was started with. What a goroutine did between two stops is not known: a slice counts for the stack at its end.`);
  }

  open(name, found, what) {
    const {$} = this;
    Object.assign(this, {name, found, shown: AT_ONCE});
    $('instances-title').textContent = name;
    if (this.timeline.meta.served) $('instances-ask').replaceChildren(named(name));
    $('instances-what').textContent = what;
    const {ran, waited, gone, goroutines, slices} = found;
    const partly = this.timeline.view.whole ? '' : ', of what is kept in full detail';
    $('instances-sum').textContent = `${plural(slices.length, 'slice')} of ${plural(goroutines.size, 'goroutine')}${partly}: ran ${dur(ran)}, was runnable before for ${dur(waited)}, blocked or in a system call after for ${dur(gone)}.`;
    $('instances-order').value = 'ran';
    this.list();
    if (!this.dialog.open) this.dialog.showModal();
    $('instances-list').scrollTop = 0;
  }

  list() {
    const {$, found} = this;
    const list = first(this.timeline.view, found.slices, $('instances-order').value, this.shown);
    $('instances-rows').replaceChildren(...list.map((s) => this.row(s)));
    $('instances-more').hidden = found.slices.length <= this.shown;
    $('instances-more').textContent = `Show more of ${count(found.slices.length)}`;
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
    return el('tr', null, cell(at), cell(person(this.timeline, track.who[i]), 'name'), cell(`P${track.p}`), cell(dur(track.end[i] - track.start[i])), cell(track.wait[i] > 0 ? dur(track.wait[i]) : ''),
      cell(woke < 0 ? '' : person(this.timeline, woke), 'name'), cell(s.gone < 0 ? 'system call' : stop.why, 'word'), cell(away), cell(where, 'name'));
  }
}
