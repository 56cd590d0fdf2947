// What looks things up on the timeline: the selection with its flame graph, the search
// dialog, and the view of a function.
import {prepare} from './aggregate.js';
import {el} from './dom.js';
import {Instances, toHash as toView} from './instances.js';
import * as names from './names.js';
import {Palette} from './palette.js';
import {Selection} from './select.js';
import {toHash} from './span.js';

const READY = 500; // ms after loading at which what selections need is made, if it is not yet

// connect makes them work; $ finds an element by its id, search searches the timeline for
// what an address says, home says what the address is when nothing is open.
export function connect(timeline, $, search, home) {
  const instances = new Instances(timeline, $, home);
  const toMoment = (start, end, row = null, pins = []) => { location.hash = toHash([start, Math.max(end, start + 1)], row, pins); };
  const toSpan = (s) => {
    const room = (s.end - s.start) * 0.05;
    toMoment(Math.max(timeline.bounds[0], s.start - room), Math.min(timeline.bounds[1], s.end + room));
  };
  const selection = new Selection(timeline, $, (name) => instances.ofFunction(name), toSpan);
  instances.onLeave = () => focus(timeline, $);
  instances.onFind = (name) => {
    if (/^P\d+$/.test(name)) timeline.show(timeline.view.window, timeline.view.rowById(name));
    else search({find: name, did: '', least: ''});
    focus(timeline, $);
  };
  const palette = new Palette(timeline, $, {
    instant: ({instant}) => toMoment(...around(timeline, instant)),
    finding: ({finding: f}) => toMoment(f.start, f.end, f.p >= 0 ? `P${f.p}` : null, f.g > 0 ? [f.g] : []),
    span: ({span}) => toSpan(span),
    function: ({name}) => instances.ofFunction(name),
    goroutine: ({g}) => toGoroutine(timeline, $, g),
    moment: ({row, instant}) => {
      timeline.show(around(timeline, instant), timeline.view.rowById(row));
      timeline.chooseAt(instant);
      focus(timeline, $);
    },
    row: ({row}) => {
      timeline.show(timeline.view.window, timeline.view.rowById(row));
      focus(timeline, $);
    },
    place: ({id}) => {
      if (location.hash === `#${id}`) history.replaceState(null, '', ' ');
      location.hash = `#${id}`;
    },
  });
  const idle = globalThis.requestIdleCallback ?? setTimeout;
  idle(() => linkNames(timeline));
  setTimeout(() => idle(() => prepare(timeline.view)), READY);
  return {selection, palette, instances};
}

// around is a window with an instant in its middle, no longer than what is shown.
function around({view, bounds}, instant) {
  const [start, end] = view.window;
  const half = Math.min(end - start, (bounds[1] - bounds[0]) / 20) / 2;
  return [Math.max(bounds[0], instant - half), Math.min(bounds[1], instant + half)];
}

// focus moves to the timeline, and only as far as it takes to see it.
function focus(timeline, $) {
  const {top, bottom} = timeline.root.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) $('timeline-section').scrollIntoView();
  timeline.root.focus({preventScroll: true});
}

// toGoroutine gives a goroutine a row and goes to the longest of its slices.
function toGoroutine(timeline, $, g) {
  if (!timeline.pins.includes(g)) timeline.togglePin(g);
  const {view} = timeline;
  let best = null;
  let longest = -1;
  for (const track of view.tracks) {
    for (let i = 0; i < track.n; i++) {
      const ns = track.end[i] - track.start[i];
      if (ns > longest && view.who.g[track.who[i]] === g) [best, longest] = [{track, i}, ns];
    }
  }
  if (best) timeline.goTo(best);
  focus(timeline, $);
}

// linkNames makes the names of what the timeline knows links to it: of functions in tables,
// and of all that prose names.
function linkNames({view, meta, bounds}) {
  const known = new Set(meta.names.map(([, name]) => name));
  for (const {stack} of view.stops.list) for (const [fn] of stack) known.add(fn);
  known.delete('');
  for (const e of document.querySelectorAll('main :is(span, code)[title]')) {
    const name = e.title;
    if (!known.has(name) || e.closest('a, button, summary, svg, dialog')) continue;
    e.replaceChildren(el('a', {className: 'fn', href: toView(name), 'aria-label': `${e.textContent}: its slices`}, e.textContent));
  }
  const half = (bounds[1] - bounds[0]) / 200;
  const moment = (at) => toHash([Math.max(bounds[0], at - half), Math.min(bounds[1], at + half)], null);
  const lexicon = names.lexicon(view, meta.names);
  const address = ({kind, name, id, instant}) => (kind === 'time' ? moment(instant) : toView(kind === 'function' ? name : kind + id));
  names.link(lexicon, address);
  names.titles(lexicon, address);
}
