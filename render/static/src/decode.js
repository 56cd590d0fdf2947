// The timeline block: what render/block.go writes, turned into typed arrays.

// inflate turns the base64 text of the page into the block's bytes.
export async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// parse reads a block. Times are nanoseconds from the trace's first event.
export function parse(bytes) {
  const r = new Reader(bytes);
  const unit = r.uvarint();
  const people = r.uvarint();
  const who = {g: r.varints(people), name: r.uvarints(people, Uint32Array)};
  return {who, tracks: r.list(() => track(r, unit)), marks: marks(r, unit), depth: depth(r, unit), tiles: r.list(() => tiles(r))};
}

function track(r, unit) {
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
  return {p, n, start, end, who, kind: r.bytes(n), from: r.bytes(n)};
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

class Reader {
  constructor(bytes) {
    this.buf = bytes;
    this.pos = 0;
  }

  uvarint() {
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
