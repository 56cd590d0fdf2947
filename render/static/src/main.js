// What the page does once it is loaded. Everything that must be readable
// without a script is in the page already.
import * as ask from './ask.js';
import * as charts from './charts.js';
import {inflate, parse} from './decode.js';
import {button, copy} from './dom.js';
import {dispose} from './echarts.js';
import * as fetching from './fetch.js';
import * as finder from './finder.js';
import * as instances from './instances.js';
import {help} from './keys.js';
import * as panel from './panel.js';
import * as rows from './rows.js';
import {fromHash, zoom} from './span.js';
import * as tools from './tools.js';
import {MOST_THREADS, Timeline} from './timeline.js';

const $ = (id) => document.getElementById(id);
const FEW_THREADS = 6; // so many get rows unasked
const FEW_SLICES = 100_000;
const data = (id) => JSON.parse($(id).textContent);

async function main() {
  const began = performance.now();
  const options = data('options');
  const meta = data('meta');
  meta.findings = meta.findings.map((i) => meta.moments[i]);
  const trace = parse(await inflate($('block').textContent));
  const timeline = $('timeline') ? new Timeline($('timeline'), options.timeline, meta, trace) : null;
  let drawn = charts.draw(options);
  const redraw = () => {
    for (const chart of drawn) dispose(chart);
    drawn = charts.draw(options);
    timeline?.draw();
  };
  follow(redraw);
  printing(redraw);
  if (timeline) control(timeline);
  if (timeline) rowControls(timeline);
  if (timeline) help($('keys'));
  const search = timeline ? finder.connect(timeline, $) : null;
  const home = () => (timeline && !wholeShown(timeline) ? timeline.hash() : location.pathname + location.search);
  const tool = timeline && $('selection') ? tools.connect(timeline, $, search, home) : null;
  links(timeline, search);
  document.documentElement.classList.add('live');
  reveal();
  if (timeline && meta.served) fetching.connect(timeline, (text) => { $('fetched').textContent = text; });
  if (meta.served) ask.connect($, home);
  window.gmptrace = {timeline, ...tool, loaded: performance.now() - began}; // for the tests
}

// follow keeps the charts in step with the theme and the window's width.
function follow(redraw) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  let width = innerWidth;
  let pending = 0;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(redraw);
  });
}

// printing opens the findings and the table whose chart is not printed, and takes the light theme for paper.
function printing(redraw) {
  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('details.finding:not(.instance, [open]), #functions-section details:not([open])')];
    for (const d of closed) d.open = true;
    document.documentElement.dataset.theme = 'light';
    redraw();
  });
  addEventListener('afterprint', () => {
    for (const d of closed) d.open = false;
    delete document.documentElement.dataset.theme;
    redraw();
  });
}

// control connects the buttons, checkboxes and panels to the timeline.
function control(timeline) {
  const {view, bounds} = timeline;
  const actions = {
    'zoom-in': () => timeline.show(zoom(view.window, 0.5)),
    'zoom-out': () => timeline.show(zoom(view.window, 2)),
    'zoom-all': () => timeline.show(bounds, -1),
    'next-finding': () => timeline.nextFinding(),
  };
  for (const [id, act] of Object.entries(actions)) $(id)?.addEventListener('click', act);
  $('copy-link').addEventListener('click', (e) => copy(e.target, location.href.split('#')[0] + timeline.hash()));
  for (const box of document.querySelectorAll('input[data-mark]')) {
    box.checked = false; // a reload may have kept it
    box.addEventListener('change', () => timeline.toggle(Number(box.dataset.mark), box.checked));
  }
  timeline.onChange(status);
  timeline.onChange(strip);
  status(timeline);
  strip(timeline);
  $('strip').addEventListener('click', (e) => center(timeline, e));
}

// rowControls are what chooses rows of goroutines and threads.
function rowControls(timeline) {
  const n = rows.count(timeline.view);
  const box = $('show-threads');
  $('threads').hidden = n === 0;
  $('thread-count').textContent = n > MOST_THREADS ? `the ${MOST_THREADS} busiest of ${n}` : n;
  box.checked = n > 0 && n <= FEW_THREADS && timeline.trace.tracks.reduce((sum, t) => sum + t.n, 0) <= FEW_SLICES;
  box.addEventListener('change', () => timeline.showThreads(box.checked));
  timeline.threadsAtFirst = box.checked;
  if (box.checked) timeline.showThreads(true);
  timeline.onChange(() => { box.checked = timeline.threads; });
  timeline.onChange(pins);
  for (const b of document.querySelectorAll('button[data-g]')) {
    b.addEventListener('click', () => {
      const g = Number(b.dataset.g);
      if (!timeline.pins.includes(g)) timeline.togglePin(g);
      timeline.reveal();
    });
  }
}

let pinned = '';

// pins lists the goroutines that have rows, to remove them.
function pins(timeline) {
  const now = timeline.pins.join();
  if (now === pinned) return;
  pinned = now;
  const remove = (g) => button(`G${g} ×`, () => { timeline.togglePin(g); timeline.root.focus({preventScroll: true}); }, {'aria-label': `G${g} ×: remove its row`});
  $('pins').replaceChildren(...timeline.pins.map(remove));
  $('legend-rows').hidden = $('pins').hidden = timeline.pins.length === 0;
}

let saving = 0;
let told = null;

function status(timeline) {
  $('window').textContent = timeline.status();
  const {detail} = timeline;
  if (detail && detail !== told) {
    told = detail;
    $('detail').textContent = [detail.title, ...detail.lines].join(' · ');
    panel.show($('panel'), timeline, detail.slice);
  }
  clearTimeout(saving);
  saving = setTimeout(() => remember(timeline), 200);
}

// remember puts the window into the address, unless all is shown.
function remember(timeline) {
  const all = wholeShown(timeline);
  if (all && !location.hash.startsWith('#t=') || ask.toAsk(location.hash) !== null || instances.fromHash(location.hash) !== null) return;
  history.replaceState(null, '', all ? location.pathname + location.search : timeline.hash());
}

// wholeShown tells whether the timeline is as it was at first.
function wholeShown({view, bounds, pins: rows, fields, selected}) {
  const [start, end] = view.window;
  return start <= bounds[0] && end >= bounds[1] && view.row < 0 && rows.length === 0 && view.flags.length === 0 && !fields && !selected;
}

// strip shows on the overview which part the timeline shows.
function strip(timeline) {
  const [from, to] = timeline.bounds;
  const [start, end] = timeline.view.window;
  const mark = $('strip-window');
  mark.hidden = end - start >= (to - from) * 0.9999;
  mark.style.left = `${((start - from) / (to - from)) * 100}%`;
  mark.style.width = `${((end - start) / (to - from)) * 100}%`;
}

// center moves the timeline to where the overview was clicked.
function center(timeline, e) {
  if (e.target.closest('a')) return;
  const {left, width} = $('strip').getBoundingClientRect();
  const [from, to] = timeline.bounds;
  const at = from + ((e.clientX - left) / width) * (to - from);
  const [start, end] = timeline.view.window;
  const half = Math.min(end - start, (to - from) / 10) / 2;
  timeline.show([at - half, at + half]);
}

// links makes links to moments move the timeline, and links to findings open
// them.
function links(timeline, search) {
  document.addEventListener('click', (e) => {
    const link = e.composedPath()[0].closest?.('a[href^="#t="], a[href^="./#t="]'); // the latter in answers
    if (!link || !timeline) return;
    e.preventDefault();
    history.pushState(null, '', link.hash);
    go(timeline, search);
  });
  addEventListener('hashchange', () => { go(timeline, search); reveal(); });
  addEventListener('popstate', () => go(timeline, search));
  go(timeline, search);
}

// go shows the moment that the address names, if it names one.
function go(timeline, search) {
  const moment = fromHash(location.hash);
  if (!moment || !timeline) return;
  timeline.restore(moment);
  if (moment.search) search(moment.search);
  timeline.reveal();
}

// reveal opens the finding that the address names.
function reveal() {
  const target = /^#[\w-]+$/.test(location.hash) && document.querySelector(location.hash);
  if (!target) return;
  if (target.tagName === 'DETAILS') target.open = true;
  target.scrollIntoView(); // the charts above it have moved it since the browser did
}

// The findings and tables are there without the script: say so if it fails.
main().catch((why) => {
  document.documentElement.dataset.failed = why;
  for (const chart of document.querySelectorAll('.chart')) chart.textContent = `This chart could not be drawn: ${why}`;
  throw why;
});
