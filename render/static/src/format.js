// How figures are spelled, the same as analyze/words does: both are held to
// analyze/words/testdata/examples.txt.
const NBSP = '\u00a0';
const THIN = '\u202f'; // no line ends in it

// dur formats a length in nanoseconds with three significant digits.
export function dur(ns) {
  if (ns < 0) return '-' + dur(-ns);
  if (ns === 0) return `0${NBSP}s`;
  let v = ns;
  let unit = 'ns';
  for (const next of ['µs', 'ms', 's']) {
    if (v < 999.5) break;
    v /= 1000;
    unit = next;
  }
  return (unit === 'ns' ? String(Math.round(ns)) : digits3(v)) + NBSP + unit;
}

function digits3(v) {
  if (v < 9.995) return v.toFixed(2);
  if (v < 99.95) return v.toFixed(1);
  return count(Math.round(v));
}

// offset formats an instant in seconds, with as many decimals as a window of
// length span needs to tell its ends apart.
export function offset(at, span) {
  if (at === 0) return `0${NBSP}s`;
  let decimals = 9;
  for (let limit = 1000; limit <= span && decimals > 2; limit *= 10) decimals--;
  return (at / 1e9).toFixed(decimals) + NBSP + 's';
}

// count formats a whole number, with its digits in groups of three from 10,000 on.
export function count(n) {
  const s = String(n);
  return s.replace('-', '').length < 5 ? s : s.replace(/\B(?=(\d{3})+$)/g, THIN);
}

// bytes formats a size.
export function bytes(n) {
  let v = n;
  let unit = '';
  for (const next of ['kB', 'MB', 'GB']) {
    if (v < 999.5) break;
    v /= 1000;
    unit = next;
  }
  return unit === '' ? plural(n, 'byte') : digits3(v) + NBSP + unit;
}

// plural is a count of things.
export function plural(n, thing) {
  const ending = n === 1 ? '' : /(ch|sh|s|x)$/.test(thing) ? 'es' : 's';
  return count(n) + NBSP + thing + ending;
}

// pct formats a share in [0, 1].
export function pct(x) {
  const p = x * 100;
  if (Number.isNaN(p)) return '–';
  if (p > 0 && p < 0.1) return `<0.1${NBSP}%`;
  if (p < 100 && p > 99.9) return `>99.9${NBSP}%`;
  const decimals = (p !== 0 && p < 9.95) || (p > 99 && p < 100) ? 1 : 0;
  return (decimals ? p.toFixed(1) : count(Math.round(p))) + NBSP + '%';
}

// tick formats an instant on an axis whose labels are step apart, in the unit
// that keeps the label short.
export function tick(at, step) {
  const [scale, unit] = step >= 1e7 ? [1e9, 's'] : step >= 1e3 ? [1e6, 'ms'] : [1e3, 'µs'];
  const decimals = Math.max(0, -Math.floor(Math.log10(step / scale) + 1e-9));
  const [whole, part] = (at / scale).toFixed(decimals).split('.');
  return count(whole) + (part ? `.${part}` : '') + NBSP + unit;
}

// shortened is a text of at most n letters: of a longer one the middle is left out, as its
// ends tell most.
export function shortened(text, n) {
  const letters = [...text];
  if (letters.length <= n) return text;
  const end = Math.floor((n - 1) / 2);
  return `${letters.slice(0, n - 1 - end).join('')}…${letters.slice(letters.length - end).join('')}`;
}
