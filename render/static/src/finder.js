// The search field, its list of results, and its keys.
import {button, el} from './dom.js';
import {count, dur, plural} from './format.js';
import {person} from './panel.js';
import {parseLength} from './search.js';

const MOST = 100; // results in the list
const PAUSE = 120; // ms after the last key

// connect makes the search work; $ finds an element by its id. It returns what
// searches for what an address says.
export function connect(timeline, $) {
  const fields = [$('search-text'), $('search-kind'), $('search-least')];
  const [text, kind, least] = fields;
  for (const why of [...timeline.trace.stops.whys].sort()) if (why) kind.append(el('option', {value: why}, (/^(ended|yielded)$/.test(why) ? 'then ' : 'was then ') + why));
  let pending = 0;
  const run = () => {
    const ns = parseLength(least.value);
    least.setAttribute('aria-invalid', String(Number.isNaN(ns)));
    const empty = text.value.trim() === '' && kind.value === '' && !(ns > 0);
    timeline.fields = empty ? null : {find: text.value, did: kind.value, least: least.value};
    $('search-clear').disabled = empty && least.value === '';
    if (Number.isNaN(ns)) {
      $('search-status').textContent = 'A length is a number with ns, µs, ms or s.';
      return;
    }
    list(timeline, $, empty ? null : timeline.search({text: text.value, kind: kind.value, least: ns}));
    if (empty) timeline.search(null);
  };
  const clear = () => {
    for (const f of fields) f.value = '';
    run();
  };
  for (const f of fields) {
    f.value = ''; // a reload may have kept it
    f.addEventListener('input', () => { clearTimeout(pending); pending = setTimeout(run, PAUSE); });
  }
  $('search').addEventListener('submit', (e) => { e.preventDefault(); clearTimeout(pending); run(); });
  $('search-clear').addEventListener('click', () => { clear(); text.focus(); });
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === 'Escape' && e.target.closest?.('#timeline-section')) {
      clear();
      timeline.root.focus({preventScroll: true});
    }
  });
  return (search) => {
    $('tool-find').open = true;
    [text.value, kind.value, least.value] = [search.find, search.did, search.least];
    run();
  };
}

// list shows who was found; null for no search.
function list(timeline, $, found) {
  const status = $('search-status');
  const box = $('search-found');
  box.hidden = !found || found.length === 0;
  $('search-rows').replaceChildren(...(found ?? []).slice(0, MOST).map((f) => result(timeline, f)));
  if (!found) {
    status.textContent = '';
    return;
  }
  const slices = found.reduce((sum, f) => sum + f.n, 0);
  const more = found.length > MOST ? `; the list has the ${MOST} with most time` : '';
  const kept = timeline.view.whole ? '' : ', of those kept in full detail';
  status.textContent = found.length === 0 ? `Nothing found${kept}.` : `${plural(slices, 'slice')} of ${plural(found.length, 'goroutine')}${kept}${more}.`;
}

function result(timeline, f) {
  const g = timeline.view.who.g[f.who];
  const go = button(person(timeline, f.who), () => timeline.goTo(f.slice), {className: 'jump', title: 'To the longest'});
  const pin = button('Row', () => timeline.togglePin(g), {'aria-label': `Row for G${g}`});
  const cell = (what) => el('td', null, what);
  return el('tr', null, el('td', {className: 'name'}, go), cell(count(f.n)), cell(dur(f.total)), cell(dur(f.longest)), cell(pin));
}
