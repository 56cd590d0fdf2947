// What a sum over a selection says, as tables of text: the page shows and copies the same.
import {grouped, total} from './aggregate.js';
import {count, dur, offset, pct, plural} from './format.js';
import {short} from './flame.js';

const MOST = 25; // rows of a table

// tables are [{title, note, head, rows}]; a row's first cell is {text, name} where it names
// a function, or {text, span} where it names a request or a task.
export function tables(view, meta, sums) {
  return [states(view, sums), functions(meta, sums), stops(sums), wakers(meta, sums), sources(meta, sums), spans(meta, sums)].filter((t) => t.rows.length > 0);
}

function states(view, sums) {
  const whole = sums.kept * sums.procs;
  const ran = total(sums.kinds);
  const rows = [];
  for (let k = 0; k < 6; k++) if (sums.kinds[k] > 0) rows.push([view.kinds[k], dur(sums.kinds[k]), whole > 0 ? `${pct(sums.kinds[k] / whole)} of P time` : '']);
  if (whole > ran) rows.push(['idle', dur(whole - ran), `${pct((whole - ran) / whole)} of P time`]);
  const mean = (ns) => (sums.kept > 0 ? `${(ns / sums.kept).toFixed(1)} goroutines on average` : '');
  for (const [text, ns] of [['runnable, waiting for a P', total(sums.waited)], ['blocked', total(sums.gone)], ['in a system call without a P', total(sums.calledAway)], ['blocked, not seen to run again', total(sums.leftFor)]]) {
    if (ns > 0) rows.push([text, dur(ns), mean(ns)]);
  }
  return {title: 'By state', head: ['state', 'time', 'how much that is'], rows, note: 'Waits count where the timeline shows the goroutine run again; of rows that were chosen, those that ended on them.'};
}

// called is the label of a stop, or what the goroutine runs.
function called(meta, {name, stop}) {
  return stop.label || meta.names[name]?.[0] || '';
}

function functions(meta, sums) {
  const list = grouped(sums, (end) => called(meta, end), ['ran', 'called', 'waited', 'gone', 'calledAway']);
  const all = total(sums.ran);
  const rows = list.slice(0, MOST).map(({text, values: [ran, inCall, waited, gone, away]}) => [{text, name: text}, time(ran), all > 0 ? pct(ran / all) : '', time(inCall + away), time(waited), time(gone)]);
  return {title: 'By function', head: ['goroutines last seen in', 'ran', 'share', 'system calls', 'then runnable', 'then blocked'], rows, note: `The call that says most of the stack at which the goroutine stopped next${more(list)}.`};
}

const time = (ns) => (ns > 0 ? dur(ns) : '');
const more = (list) => (list.length > MOST ? `; the ${MOST} that ran longest of ${count(list.length)}` : '');

function stops(sums) {
  const list = grouped(sums, (end) => end.stop.why, ['gone', 'stopped', 'waited', 'left']);
  const where = places(sums);
  return {
    title: 'Why goroutines stopped', head: ['why', 'times', 'blocked for', 'then runnable', 'not seen again', 'most of it in'],
    rows: list.map(({text, values: [gone, stopped, waited, left]}) => [text, stopped > 0 ? count(stopped) : '', time(gone), time(waited), left > 0 ? count(left) : '', where.get(text) ?? '']), note: 'Not seen again are goroutines that are not seen to run after it.',
  };
}

// places is by why the call in which goroutines were blocked longest.
function places(sums) {
  const best = new Map();
  const by = grouped(sums, ({stop}) => (stop.label && stop.why ? `${stop.why}\n${stop.label}` : ''), ['gone', 'leftFor']);
  by.sort((a, b) => b.values[0] + b.values[1] - a.values[0] - a.values[1]);
  for (const {text, values: [gone, left]} of by) {
    const [why, label] = text.split('\n');
    if (gone + left > 0 && !best.has(why)) best.set(why, label);
  }
  return best;
}

function wakers(meta, sums) {
  const last = sums.wakers.length - 1;
  const rows = [];
  for (let k = 0; k <= last; k++) if (sums.wakers[k] > 0) rows.push({k, n: sums.wakers[k], ns: sums.wakersTime[k]});
  rows.sort((a, b) => b.ns - a.ns || a.k - b.k);
  const name = (k) => (k === last ? 'no goroutine, or not known (timers, the network)' : {text: meta.names[k]?.[0] || 'a goroutine of no known function', name: meta.names[k]?.[1] ?? ''});
  return {title: 'Who ended waits', head: ['goroutines of', 'waits', 'that had lasted'], rows: rows.slice(0, MOST).map((r) => [name(r.k), count(r.n), dur(r.ns)]), note: 'Who made blocked goroutines runnable, by the function that it was started with.'};
}

function sources(meta, sums) {
  const list = [...sums.sources.keys()].filter((k) => sums.sources[k] > 0).sort((a, b) => sums.sources[b] - sums.sources[a]);
  const n = list.reduce((all, k) => all + sums.sources[k], 0);
  return {
    title: 'Dispatches by source', head: ['taken from', 'dispatches', 'share', 'certain', 'mean wait'],
    rows: list.map((k) => [meta.sources[k] ?? String(k), count(sums.sources[k]), pct(sums.sources[k] / n), pct(sums.certain[k] / sums.sources[k]), dur(Math.round(sums.sourceWait[k] / sums.sources[k]))]), note: '',
  };
}

function spans(meta, sums) {
  const list = (meta.spans ?? []).filter((s) => s.end > sums.from && s.start < sums.to);
  const row = (s) => [{text: s.name ? short(s.name) : s.kind, span: s}, s.kind, offset(s.start, s.end - s.start), dur(s.end - s.start), dur(Math.min(s.end, sums.to) - Math.max(s.start, sums.from))];
  return {title: 'Requests and tasks in it', head: ['name', 'what', 'from', 'took', 'of it here'], rows: list.slice(0, MOST).map(row), note: 'Of the slowest ones, which are all that this page has.'};
}

// headline says what is selected and how much of it is known.
export function headline(sums, rowsText) {
  const length = sums.to - sums.from;
  const at = `${offset(sums.from, length)} to ${offset(sums.to, length)} (${dur(length)}), ${rowsText}`;
  const dispatches = sums.sources.reduce((a, b) => a + b, 0);
  const kept = sums.kept < length * 0.9999 ? ` Only ${pct(sums.kept / length)} of this time is kept in full detail: the sums are of that.` : '';
  return `${at}: ${plural(sums.slices, 'slice')}, ${dispatches === 1 ? '1 dispatch' : `${count(dispatches)} dispatches`}${sums.longestWait > 0 ? `, the longest wait for a P ${dur(sums.longestWait)}` : ''}.${kept}`;
}

// asText is all of it for a clipboard.
export function asText(head, list) {
  const cell = (c) => (typeof c === 'string' ? c : c.text).replace(/[\s\u00a0\u202f]+/g, ' ');
  const lines = [cell(head)];
  for (const {title, head: titles, rows} of list) {
    const all = [titles, ...rows].map((row) => row.map(cell));
    const widths = titles.map((_, k) => Math.min(60, Math.max(...all.map((row) => row[k].length))));
    lines.push('', title);
    for (const row of all) lines.push(`  ${row.map((text, k) => (k === 0 ? text.padEnd(widths[k]) : text.padStart(widths[k]))).join('  ')}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}
