// The visible window: lengths and places on the time axis, without a browser.

// MIN is the shortest window that can be shown, in nanoseconds.
export const MIN = 1000;

// fit moves and shortens a window until it lies within bounds.
export function fit([start, end], [from, to]) {
  const length = Math.max(Math.min(MIN, to - from), Math.min(to - from, end - start));
  const begin = Math.max(from, Math.min(to - length, start));
  return [begin, begin + length];
}

// pan moves a window by a share of its length.
export function pan([start, end], share) {
  const by = (end - start) * share;
  return [start + by, end + by];
}

// zoom changes a window's length by factor around an instant, its middle if none is
// given.
export function zoom([start, end], factor, around = (start + end) / 2) {
  const length = Math.max(MIN, (end - start) * factor);
  const begin = around - ((around - start) / (end - start)) * length;
  return [begin, begin + length];
}

// fields are what an address may say beside the window, in order: how each looks, and
// what it means.
const fields = {
  row: [/^(?:[PGM]\d{1,15}|[A-Z][A-Za-z]{1,15}\d{0,2})$/, String],
  g: [/^\d{1,15}(?:,\d{1,15}){0,31}$/, numbers],
  m: [/^[01]$/, (text) => text === '1'],
  find: [/^/, decodeURIComponent],
  did: [/^/, decodeURIComponent],
  least: [/^/, decodeURIComponent],
  at: [/^\d{1,16}$/, Number],
  marks: [/^\d{1,16}(?:,\d{1,16}){0,15}$/, numbers],
  sel: [/^\d{1,16}-\d{1,16}(?::[A-Za-z]+\d*-[A-Za-z]+\d*)?$/, selection],
};

function numbers(text) {
  return text.split(',').map(Number);
}

// spell is how an address says a selection: "START-END:P0-P3", with the first and the last
// row where it is not of all.
export function spell({from, to, rows}) {
  return `${Math.round(from)}-${Math.round(to)}${rows ? `:${rows.join('-')}` : ''}`;
}

// selection reads what spell wrote; null for one without length.
function selection(text) {
  const [from, to, ...rows] = text.split(/[-:]/);
  return Number(from) < Number(to) ? {from: Number(from), to: Number(to), rows: rows.length > 0 ? rows : null} : null;
}

// toHash and fromHash are the address of a window:
// "#t=START-END&row=P3&g=12,345&m=1&find=serve&did=waited&least=1ms&at=START&marks=1,2&sel=START-END",
// with the chosen row, the goroutines that have rows, whether threads have, what is
// searched, where in the row the chosen slice begins, marks, and what is selected.
export function toHash([start, end], row, pins = [], threads = null, search = null, {at = null, marks = [], selected = null} = {}) {
  const parts = [`#t=${Math.round(start)}-${Math.round(end)}`];
  if (row !== null) parts.push(`row=${row}`);
  if (pins.length > 0) parts.push(`g=${pins.join(',')}`);
  if (threads !== null) parts.push(`m=${threads ? 1 : 0}`);
  for (const [key, value] of Object.entries(search ?? {})) if (value !== '') parts.push(`${key}=${encodeURIComponent(value)}`);
  if (at !== null) parts.push(`at=${Math.round(at)}`);
  if (marks.length > 0) parts.push(`marks=${marks.map(Math.round).join(',')}`);
  if (selected) parts.push(`sel=${spell(selected)}`);
  return parts.join('&');
}

export function fromHash(hash) {
  const [time, ...rest] = hash.split('&');
  const m = /^#t=(\d{1,16})-(\d{1,16})$/.exec(time);
  if (!m || Number(m[2]) <= Number(m[1])) return null;
  const said = {};
  try {
    for (const part of rest) {
      const [, key, value] = /^(\w+)=(.*)$/.exec(part) ?? [];
      if (!Object.hasOwn(fields, key) || key in said || !fields[key][0].test(value)) return null;
      said[key] = fields[key][1](value);
    }
  } catch {
    return null; // "%" and no two digits
  }
  const {row = null, g = null, m: threads = null, find = '', did = '', least = '', at = null, marks = null, sel: selected = null} = said;
  return {window: [Number(m[1]), Number(m[2])], row, pins: g, threads, search: find + did + least === '' ? null : {find, did, least}, at, marks, selected};
}

// step is the distance of ticks on an axis: 1, 2 or 5 times a power of ten, at
// most n of them in span.
export function step(span, n) {
  const raw = span / Math.max(1, n);
  const power = 10 ** Math.floor(Math.log10(raw));
  const digit = raw / power;
  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

// ticks are the instants in a window that deserve a label.
export function ticks([start, end], n) {
  const by = step(end - start, n);
  const out = [];
  for (let i = Math.ceil(start / by); i * by <= end; i++) out.push(i * by);
  return {by, at: out};
}

// firstEndingAfter is the index of the first end that is later than at.
export function firstEndingAfter(ends, at) {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ends[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

// parts cuts a window at the edges of the windows kept in full detail (in order
// of time): [start, end, kept].
export function parts([start, end], kept) {
  const out = [];
  let at = start;
  for (const [from, to] of kept) {
    if (to <= at || from >= end) continue;
    if (from > at) out.push([at, from, false]);
    out.push([Math.max(at, from), Math.min(to, end), true]);
    at = Math.min(to, end);
  }
  if (at < end) out.push([at, end, false]);
  return out;
}

// keptThrough tells whether two instants lie in one window kept in full detail.
export function keptThrough(kept, a, b) {
  let low = 0;
  let high = kept.length - 1;
  while (low < high) { // the last one that begins by then
    const middle = (low + high + 1) >>> 1;
    if (kept[middle][0] <= a) low = middle;
    else high = middle - 1;
  }
  return high >= 0 && a >= kept[low][0] && b <= kept[low][1];
}
