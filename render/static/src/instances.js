// The view of one function, goroutine or P: all slices of it that the timeline has, with
// what they waited for. It has an address, so that it can be linked and gone back from.
import {links} from './absent.js';
import {goroutine, named} from './ask.js';
import {prepare} from './aggregate.js';
import {button, el} from './dom.js';
import {count, dur, offset, plural} from './format.js';
import {person} from './panel.js';
import {waker} from './decode.js';

const AT_ONCE = 100; // slices in the list, until more are asked for
const MOST_PEOPLE = 50; // goroutines whose sums are listed
const HASH = '#of=';

// toHash and fromHash are the address of a view: of a function's name, of "G12" or "P3".
export const toHash = (name) => HASH + encodeURIComponent(name);

export function fromHash(hash) {
  if (!hash.startsWith(HASH)) return null;
  try {
    return decodeURIComponent(hash.slice(HASH.length)) || null;
  } catch {
    return null; // "%" and no two digits
  }
}

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

// ofEnds, ofGoroutine and ofProc say which slices fit: by the number of their end, of
// a goroutine, or of a P.
export function ofEnds(view, ends) {
  const {end} = prepare(view);
  return (track, i, at) => ends[end[at]] !== 0;
}
export const ofGoroutine = ({who}, g) => (track, i) => who.g[track.who[i]] === g;
export const ofProc = (view, p) => (track) => track.p === p;

// collect are the slices that fit, by the numbers that absent.links gives them: {ran, waited, gone, goroutines, slices},
// and sums by goroutine, by its number in view.who: those that ran and waited most first.
export function collect(view, fits) {
  const {offset: from, gone} = links(view);
  const out = {ran: 0, waited: 0, gone: 0, goroutines: new Set(), slices: []};
  const [ran, waited, away, times] = [0, 0, 0, 0].map(() => new Float64Array(view.who.g.length));
  view.tracks.forEach((track, k) => {
    for (let i = 0, at = from[k]; i < track.n; i++, at++) {
      if (!fits(track, i, at)) continue;
      const who = track.who[i];
      times[who]++;
      ran[who] += track.end[i] - track.start[i];
      waited[who] += track.wait[i];
      away[who] += Math.abs(gone[at]);
      out.slices.push(at);
    }
  });
  out.people = [...times.keys()].filter((who) => times[who] > 0).map((who) => ({who, times: times[who], ran: ran[who], waited: waited[who], gone: away[who]}));
  for (const x of out.people) {
    out.ran += x.ran;
    out.waited += x.waited;
    out.gone += x.gone;
    out.goroutines.add(view.who.g[x.who]);
  }
  out.people.sort((a, b) => b.ran + b.waited - a.ran - a.waited || a.who - b.who);
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

// titled is the goroutine that slices are of.
function titled(timeline, {slices}) {
  const [{track, i}] = first(timeline.view, slices, 'ran', 1);
  return person(timeline, track.who[i]);
}

// Instances is the dialog.
export class Instances {
  // home says what the address is when no view is open.
  constructor(timeline, $, home) {
    Object.assign(this, {timeline, $, home, name: null, shown: AT_ONCE});
    this.dialog = $('instances');
    this.dialog.addEventListener('close', () => this.closed());
    $('instances-close').addEventListener('click', () => this.dialog.close());
    $('instances-order').addEventListener('change', () => this.list());
    $('instances-more').addEventListener('click', () => {
      this.shown += 10 * AT_ONCE;
      this.list();
    });
    $('instances-find').addEventListener('click', () => {
      const {name} = this;
      this.dialog.close();
      this.onFind?.(name);
    });
    const follow = () => this.follow(fromHash(location.hash));
    addEventListener('hashchange', follow);
    addEventListener('popstate', follow);
    document.addEventListener('click', (e) => this.click(e));
    follow();
  }

  // click opens what a link names, once: the one before it is where Back leads.
  click(e) {
    const link = e.target.closest?.(`a[href^="${HASH}"]`);
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    this.show(fromHash(link.hash));
  }

  // show opens the view of a name, and puts it into the address.
  show(name) {
    if (fromHash(location.hash) !== name) history.pushState(null, '', toHash(name));
    this.follow(name);
  }

  ofFunction(name) {
    this.show(name);
  }

  // follow shows the view that an address names; null for none.
  follow(name) {
    if (name === this.name) return;
    this.name = name;
    if (name === null) this.dialog.close();
    else this.open(name, ...this.about(name));
  }

  closed() {
    if (this.dialog.open) return; // again, by now
    this.name = null;
    if (fromHash(location.hash) !== null) history.replaceState(null, '', this.home());
  }

  // about is what there is of a name, what that says, and what explains it.
  about(name) {
    const {view, meta} = this.timeline;
    const [, kind, id] = /^([GP])(\d{1,15})$/.exec(name) ?? [];
    if (kind === 'G') {
      const found = collect(view, ofGoroutine(view, Number(id)));
      return [found, 'All that the goroutine did: what it ran, what it waited for, and who made it runnable again.', goroutine(id)];
    }
    if (kind === 'P') return [collect(view, ofProc(view, Number(id))), 'All that ran on this P.', ''];
    const found = collect(view, ofEnds(view, ofFunction(view, meta.names, name)));
    return [found, `Slices that ended in ${name} or in what it called, or of goroutines that it was started with. What a goroutine did between two stops is not known: a slice counts for the stack at its end.`, named(name)];
  }

  open(name, found, what, explains) {
    const {$, timeline: {view, meta}} = this;
    Object.assign(this, {found, shown: AT_ONCE});
    $('instances-title').textContent = /^G\d+$/.test(name) && found.slices.length > 0 ? titled(this.timeline, found) : name;
    if (meta.served) $('instances-ask').replaceChildren(explains);
    $('instances-what').textContent = what;
    const {ran, waited, gone, goroutines, slices} = found;
    const partly = view.whole ? '' : ', of what is kept in full detail';
    $('instances-sum').textContent = `${plural(slices.length, 'slice')} of ${plural(goroutines.size, 'goroutine')}${partly}: ran ${dur(ran)}, was runnable before for ${dur(waited)}, blocked or in a system call after for ${dur(gone)}.`;
    $('instances-order').value = 'ran';
    this.people();
    this.list();
    if (!this.dialog.open) this.dialog.showModal();
    $('instances-list').scrollTop = 0;
  }

  // people are the sums of each goroutine.
  people() {
    const {$, found: {people}} = this;
    const box = $('instances-people');
    box.hidden = people.length < 2;
    box.open = false;
    box.firstElementChild.textContent = `By goroutine: ${people.length > MOST_PEOPLE ? `the ${MOST_PEOPLE} that ran and waited most of ` : ''}${count(people.length)}`;
    $('instances-by').replaceChildren(...people.slice(0, MOST_PEOPLE).map((x) => el('tr', null, this.who(x.who), ...[count(x.times), dur(x.ran), dur(x.waited), dur(x.gone)].map((text) => el('td', null, text)))));
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
    return el('tr', null, cell(at), this.who(track.who[i]), cell(this.link(`P${track.p}`, `P${track.p}`)), cell(dur(track.end[i] - track.start[i])), cell(track.wait[i] > 0 ? dur(track.wait[i]) : ''),
      woke < 0 ? cell('', 'name') : this.who(woke), cell(s.gone < 0 ? 'system call' : stop.why, 'word'), cell(away), cell(where, 'name'));
  }

  // who is a cell with a goroutine, which opens its view.
  who(k) {
    const text = person(this.timeline, k);
    const g = this.timeline.view.who.g[k];
    return el('td', {className: 'name'}, g < 0 ? text : this.link(text, `G${g}`));
  }

  // link goes on to another view.
  link(text, name) {
    return button(text, () => this.show(name), {className: 'fn'});
  }
}
