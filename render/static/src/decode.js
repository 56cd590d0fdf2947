// The timeline block: what render/page_block.go writes, turned into typed arrays.

// inflate turns the base64 text of the page into the block's bytes.
export async function inflate(base64) {
  const stream = new Blob([fromBase64(base64.trim())]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// fromBase64 decodes megabytes in little time, which Uint8Array.from with a
// function for every letter does not; browsers of before 2025 lack the first way.
function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// parse reads a block. Times are nanoseconds from the trace's first event.
export function parse(bytes) {
  const r = new Reader(bytes);
  const unit = r.uvarint();
  const rounded = r.byte() === 1;
  const people = r.uvarint();
  const who = {g: r.varints(people), name: r.uvarints(people, Uint32Array)};
  const threads = r.varints(r.uvarint());
  const stops = new Stops(r);
  return {
    who, threads, stops, rounded, tracks: r.list(() => track(r, unit, rounded)), calls: calls(r, unit), marks: marks(r, unit), depth: depth(r, unit),
    tiles: r.list(() => tiles(r)), lanes: lanes(r, unit), samples: samples(r, unit),
  };
}

// Stops are ways to stop running: why, and a call stack of frames [function, place].
class Stops {
  constructor(r) {
    this.whys = textLines(r);
    const frames = textLines(r).map((line) => line.split('\t'));
    const labels = textLines(r);
    this.list = r.list(() => ({why: this.whys[r.uvarint()], label: labels[r.uvarint() - 1] ?? '', stack: Array.from(r.uvarints(r.uvarint(), Uint32Array), (i) => frames[i])}));
    this.places = r.list(() => r.uvarints(r.uvarint(), Uint32Array)); // by name
  }

  // id is the number of the stop that a slice of a name ends with, 0 for none.
  id(name, place) {
    return place === 0 ? 0 : this.places[name]?.[place - 1] ?? 0;
  }

  // of is {why, label, stack} of a stop, innermost frame first; why is '' for none, label
  // where no call says more than others.
  of(id) {
    return this.list[id] ?? {why: '', label: '', stack: []};
  }
}

// textLines reads a text of lines.
function textLines(r) {
  return new TextDecoder().decode(r.bytes(r.uvarint())).split('\n').slice(0, -1);
}

function track(r, unit, rounded) {
  const p = r.uvarint();
  const n = r.uvarint();
  const start = r.uvarints(n, Float64Array);
  const end = r.uvarints(n, Float64Array);
  const who = r.uvarints(n, Uint32Array);
  let at = 0; // in units: gaps and lengths so far
  for (let i = 0; i < n; i++) {
    const begin = at + start[i];
    at = begin + end[i];
    start[i] = begin * unit;
    end[i] = at * unit;
  }
  const t = {p, n, start, end, who, kind: r.bytes(n), from: r.bytes(n)};
  t.m = new Int32Array(n);
  for (let i = 0, m = 0; i < n; i++) t.m[i] = m += r.varint();
  t.place = r.uvarints(n, Uint16Array);
  wakes(r, unit, t, rounded);
  return t;
}

// wakes reads, of slices that a dispatch began, how long their goroutines had
// been runnable, and who made them so: a person's number and 2, 1 for whom the
// slice before was of, 0 for nobody or not known.
function wakes(r, unit, t, rounded) {
  const {n, from} = t;
  t.wait = new Float32Array(n);
  t.by = new Uint32Array(n);
  for (let i = 0; i < n; i++) if (from[i] & 127) t.wait[i] = (rounded ? roundedWait(r) : r.uvarint()) * unit;
  for (let i = 0; i < n; i++) if (from[i] & 127) t.by[i] = r.uvarint();
}

// roundedWait is what encoder.wait wrote.
export function roundedWait(r) {
  const code = r.byte();
  if (code === 255) return r.uvarint();
  if (code < 16) return code;
  const power = (code >> 3) - 1;
  return (code - 8 * power) * 2 ** power;
}

// waker is the number of the person who made slice i's goroutine runnable, -1
// for nobody or not known.
export function waker(t, i, who) {
  if (t.by[i] !== 1) return t.by[i] - 2 < 0 ? -1 : t.by[i] - 2;
  for (let k = i - 1; k >= 0; k--) if (who.g[t.who[k]] >= 0) return t.who[k];
  return -1;
}

function calls(r, unit) {
  const n = r.uvarint();
  const end = r.instants(n, unit);
  const start = r.uvarints(n, Float64Array);
  for (let i = 0; i < n; i++) start[i] = end[i] - start[i] * unit;
  return {n, start, end, m: Int32Array.from(r.varints(n))};
}

function marks(r, unit) {
  const n = r.uvarint();
  const at = r.instants(n, unit);
  return {n, at, p: r.varints(n), from: r.varints(n), kind: r.bytes(n)};
}

function depth(r, unit) {
  const n = r.uvarint();
  return {n, at: r.instants(n, unit), runnable: r.uvarints(n, Float64Array)};
}

// tiles are shares of a column's time in 1/255, one row of columns per kind.
function tiles(r) {
  const p = r.uvarint();
  const kinds = r.uvarint();
  const columns = r.uvarint();
  return {p, kinds, columns, share: r.bytes(kinds * columns)};
}

// lanes are the heap in bytes from instants on, and goroutines by state in columns.
function lanes(r, unit) {
  const n = r.uvarint();
  const heap = {at: r.instants(n, unit), live: r.uvarints(n, Float64Array), goal: r.uvarints(n, Float64Array)};
  const width = r.uvarint();
  const columns = r.uvarint();
  const states = Array.from({length: 4}, () => r.uvarints(columns, Float64Array).map((x) => x / 100));
  const more = r.uvarint();
  const untold = r.uvarint();
  return {heap, width, states, spans: {more, untold, lanes: r.list(() => spanLane(r, unit))}, logs: logs(r, unit)};
}

// samples are those of the CPU profiler; null where there are none. Of all every so-manieth
// is there.
function samples(r, unit) {
  const all = r.uvarint();
  if (all === 0) return null;
  const every = r.uvarint();
  const n = r.uvarint();
  const out = {all, every, n, at: r.instants(n, unit), p: r.varints(n), g: r.varints(n), m: r.varints(n), stack: r.uvarints(n, Uint32Array)};
  const frames = textLines(r).map((line) => line.split('\t'));
  return {...out, stacks: r.list(() => Array.from(r.uvarints(r.uvarint(), Uint32Array), (i) => frames[i]))};
}

// spanLane is the tasks of a name with regions inside of them, or regions of no task.
function spanLane(r, unit) {
  const task = r.uvarint() === 0;
  const left = r.uvarint();
  const [name, ...names] = textLines(r);
  const all = spans(r, unit);
  const inside = spans(r, unit);
  inside.name = Array.from(r.uvarints(inside.n, Uint32Array), (i) => (i === 0 ? name : names[i - 1]));
  inside.in = r.uvarints(inside.n, Uint32Array);
  return {task, left, name, all, inside};
}

function spans(r, unit) {
  const n = r.uvarint();
  const start = r.instants(n, unit);
  const end = r.uvarints(n, Float64Array).map((length, i) => start[i] + length * unit);
  return {n, start, end, g: r.varints(n), open: r.bytes(n)};
}

// logs are messages that the program logged: the first of those that are close together.
function logs(r, unit) {
  const n = r.uvarint();
  const at = r.instants(n, unit);
  const count = r.uvarints(n, Float64Array);
  const g = r.varints(n);
  const of = r.uvarints(n, Uint32Array);
  const texts = textLines(r);
  return {n, at, count, g, text: Array.from(of, (i) => texts[i])};
}

export class Reader {
  constructor(bytes) {
    this.buf = bytes;
    this.pos = 0;
  }

  byte() {
    const byte = this.buf[this.pos++];
    if (byte === undefined) throw new RangeError('the timeline block ends too early');
    return byte;
  }

  uvarint() {
    const first = this.buf[this.pos];
    if (first < 128) { // most are
      this.pos++;
      return first;
    }
    let value = 0;
    let scale = 1; // not a shift: values exceed 32 bits
    for (;;) {
      const byte = this.buf[this.pos++];
      if (byte === undefined) throw new RangeError('the timeline block ends too early');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  varint() {
    const v = this.uvarint();
    return v % 2 ? -(v + 1) / 2 : v / 2;
  }

  uvarints(n, Type) {
    const out = new Type(n);
    for (let i = 0; i < n; i++) out[i] = this.uvarint();
    return out;
  }

  varints(n) {
    const out = this.uvarints(n, Float64Array);
    for (let i = 0; i < n; i++) out[i] = out[i] % 2 ? -(out[i] + 1) / 2 : out[i] / 2;
    return out;
  }

  instants(n, unit) {
    const out = this.uvarints(n, Float64Array);
    let at = 0;
    for (let i = 0; i < n; i++) {
      at += out[i];
      out[i] = at * unit;
    }
    return out;
  }

  bytes(n) {
    this.pos += n;
    return this.buf.slice(this.pos - n, this.pos);
  }

  list(read) {
    return Array.from({length: this.uvarint()}, read);
  }
}
