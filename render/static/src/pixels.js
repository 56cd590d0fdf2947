// What is too narrow for a texture is written pixel by pixel: a picture of many rows has
// a hundred thousand such rectangles, and a canvas takes a microsecond for each.

import {lowest} from './scan.js';

export class Pixels {
  constructor() {
    this.canvas = document.createElement('canvas');
  }

  // begin clears a picture of a size in CSS pixels; colours are #rrggbb.
  begin(width, height, colours) {
    this.ratio = globalThis.devicePixelRatio || 1;
    const [w, h] = [Math.max(1, Math.round(width * this.ratio)), Math.max(1, Math.round(height * this.ratio))];
    if (!this.image || this.image.width !== w || this.image.height !== h) {
      [this.canvas.width, this.canvas.height] = [w, h];
      this.image = new ImageData(w, h);
      this.words = new Uint32Array(this.image.data.buffer);
    }
    this.words.fill(0);
    this.size = [width, height];
    this.colours = Uint32Array.from(colours, word);
  }

  // add fills a rectangle, to the nearest pixels, at least one wide.
  add(x, y, width, height, colour) {
    const {ratio, words, image} = this;
    const left = Math.max(0, Math.round(x * ratio));
    const right = Math.min(image.width, Math.max(left + 1, Math.round((x + width) * ratio)));
    const bottom = Math.min(image.height, Math.round((y + height) * ratio));
    const value = this.colours[colour];
    for (let row = Math.max(0, Math.round(y * ratio)); row < bottom; row++) {
      const first = row * image.width;
      for (let i = first + left; i < first + right; i++) words[i] = value; // a few: fill takes longer to call
    }
  }

  // stack fills a column from the bottom up with the colours in seen, a set of bits, each as
  // high as its share, unless that is nothing to see.
  stack(x, y, width, height, share, seen) {
    const {ratio, words, image} = this;
    const left = Math.max(0, Math.round(x * ratio));
    const right = Math.min(image.width, Math.max(left + 1, Math.round((x + width) * ratio)));
    const highest = Math.max(0, Math.round(y * ratio));
    let at = (y + height) * ratio;
    let bottom = Math.min(image.height, Math.round(at));
    for (let rest = seen; rest !== 0; rest &= rest - 1) {
      const colour = lowest(rest);
      if (share[colour] * height < 0.1) continue;
      at -= share[colour] * height * ratio;
      const top = Math.max(highest, Math.round(at));
      const value = this.colours[colour];
      for (let row = top; row < bottom; row++) {
        const first = row * image.width;
        for (let i = first + left; i < first + right; i++) words[i] = value;
      }
      bottom = Math.min(bottom, top);
    }
  }

  // draw puts the picture onto another.
  draw(c, x, y) {
    this.canvas.getContext('2d').putImageData(this.image, 0, 0);
    c.drawImage(this.canvas, x, y, ...this.size);
  }
}

// word is a colour as a picture has it in memory: red comes first.
function word(hex) {
  const rgba = Uint8Array.of(parseInt(hex.slice(1, 3), 16), parseInt(hex.slice(3, 5), 16), parseInt(hex.slice(5, 7), 16), 255);
  return new Uint32Array(rgba.buffer)[0];
}
