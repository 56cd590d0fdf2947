// The panel below the timeline: what is known of the chosen slice.
import * as ask from './ask.js';
import {button, el} from './dom.js';
import {count, dur, offset} from './format.js';
import {keptThrough} from './span.js';
import {following, waited, wakeUp} from './wake.js';

const MOST = 8; // goroutines in a list

// show fills root with what is known of a slice {track, i}; null empties it.
export function show(root, timeline, slice) {
  root.replaceChildren();
  root.hidden = !slice;
  if (!slice) return;
  const {view} = timeline;
  const g = view.who.g[slice.track.who[slice.i]];
  const wake = wakeUp(view, slice);
  root.append(buttons(timeline, slice, g, wake), facts(timeline, slice, g, wake));
}

function buttons(timeline, slice, g, wake) {
  const {view} = timeline;
  const box = el('p', {className: 'controls'});
  const add = (text, key, act, on) => box.append(button(text, act, {disabled: !on, title: `key ${key}`}));
  if (g < 0) return box;
  add('Its slice before', '{', () => timeline.goOn(-1), following(view, slice, -1));
  add('Its next slice', '}', () => timeline.goOn(1), following(view, slice, 1));
  add('To its waker', 'b', () => timeline.toWaker(), wake?.by);
  if (timeline.meta.served) box.append(ask.goroutine(g), ' ');
  add(timeline.pins.includes(g) ? `Remove row of G${g}` : `Row for G${g}`, 'g', () => timeline.togglePin(g), true);
  return box;
}

function facts(timeline, slice, g, wake) {
  const list = el('dl', {className: 'facts'});
  const add = (term, ...what) => list.append(el('dt', null, term), el('dd', null, ...what));
  const {view} = timeline;
  const name = (who) => person(timeline, who);
  if (wake) wakeFacts(timeline, slice, wake, add);
  const waiting = waited(view, slice);
  if (waiting.length > 0) add(`Waited meanwhile (${count(waiting.length)})`, people(timeline, waiting, (x) => ` ${about(view)}${dur(x.ns)}`));
  else add('Waited meanwhile', 'nobody that is known to have run later');
  const woken = view.woke;
  if (woken.length > 0) add(`Made runnable (${count(woken.length)})`, people(timeline, woken, (x) => `, ran ${about(view)}${dur(x.ns)} later`));
  const {why, stack} = view.stopOf(slice);
  if (why) add('Then', why, ...howLong(view, slice, why));
  if (stack.length > 0) add('Stopped in', calls(stack));
  if (slice.track.m[slice.i] >= 0) add('Thread', String(view.threads[slice.track.m[slice.i]]));
  if (g >= 0) add('Goroutine', name(slice.track.who[slice.i]));
  return list;
}

// howLong says how long a goroutine was blocked after a slice, if that is known.
function howLong(view, slice, why) {
  const next = why.startsWith('blocked') && following(view, slice, 1);
  if (!next) return [];
  const ready = next.track.start[next.i] - next.track.wait[next.i];
  const end = slice.track.end[slice.i];
  return ready > end && keptThrough(view.kept, end, ready) ? [` for ${about(view)}${dur(ready - end)}`] : [];
}

// wakeFacts says how the goroutine became runnable.
function wakeFacts(timeline, slice, wake, add) {
  const {view} = timeline;
  const since = wake.ready <= timeline.bounds[0] ? 'at least ' : about(view);
  const parts = [`${since}${dur(wake.wait)}, from ${offset(wake.ready, 1e6)}`];
  add('Had been runnable', ...parts);
  if (wake.who < 0) add('Made runnable by', 'no goroutine, or not known: a timer, the network, a system call’s end, or a preemption');
  else if (wake.by) add('Made runnable by', jump(timeline, wake.by, wake.who));
  else add('Made runnable by', person(timeline, wake.who), ', whose slice is not kept');
}

const about = (view) => (view.rounded ? 'about ' : '');

// people is a list of goroutines, each with a button to its slice.
function people(timeline, list, text) {
  const ul = el('ul', null, ...list.slice(0, MOST).map((x) => el('li', null, jump(timeline, x.slice, x.who), text(x))));
  if (list.length > MOST) ul.append(el('li', null, `and ${count(list.length - MOST)} more`));
  return ul;
}

function jump(timeline, slice, who) {
  return button(person(timeline, who), () => timeline.goTo(slice), {className: 'jump'});
}

// person is a goroutine with its function's name.
export function person({view, meta}, who) {
  const name = meta.names[view.who.name[who]];
  return `G${view.who.g[who]}${name && name[0] ? ` ${name[0]}` : ''}`;
}

function calls(stack) {
  const lines = stack.map(([fn, place]) => el('li', null, fn, ' ', el('span', null, place)));
  if (lines.length <= 3) return el('ol', {className: 'calls'}, ...lines);
  return el('details', {className: 'calls'}, el('summary', null, `${stack[0][0]} and ${count(lines.length - 1)} callers`), el('ol', null, ...lines));
}
