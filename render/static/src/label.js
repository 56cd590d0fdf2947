// Labels: what a slice is called. That is the call that its goroutine stopped in, of those
// on its stack the one that says most, else what the goroutine runs.
import {shortened} from './format.js';

// label gives every track the numbers of its slices' labels: track.label, 0 for slices
// without a goroutine. It returns the labels by number. nameOf names a person.
export function label(tracks, who, stops, nameOf) {
  const numbers = new Map([['', 0]]);
  const number = (text) => {
    if (!numbers.has(text)) numbers.set(text, numbers.size);
    return numbers.get(text);
  };
  const people = Array.from(who.g, (g, k) => (g < 0 ? 0 : number(nameOf(k))));
  const stopped = stops.list.map((stop) => number(stop.label));
  for (const track of tracks) {
    track.label = new Uint32Array(track.n);
    for (let i = track.n - 1; i >= 0; i--) {
      const person = track.who[i];
      const goesOn = i + 1 < track.n && track.who[i + 1] === person && track.place[i] === 0;
      track.label[i] = people[person] === 0 ? 0 : goesOn ? track.label[i + 1] : stopped[stops.id(who.name[person], track.place[i])] || people[person];
    }
  }
  return [...numbers.keys()];
}

// Leaders finds, stretch by stretch of a row, the label that most of what is too narrow to
// be labelled has. A stretch begins with what comes after the one before.
export class Leaders {
  constructor(time, width, found) {
    this.time = time; // by label, all zero: many rows share it
    this.width = width; // of a stretch, in pixels
    this.found = found; // called with the label's number, where it begins and its length
    this.seen = [];
    this.from = -1;
    this.last = null;
  }

  add(x, width, label) {
    if (this.from < 0) this.from = x;
    else if (x >= this.from + this.width) {
      this.close(this.from + this.width);
      this.from = x;
    }
    if (this.time[label] === 0) this.seen.push(label);
    this.time[label] += width;
  }

  // cut ends what is before x: something else stands there.
  cut(x) {
    if (this.from >= 0) this.close(Math.min(x, this.from + this.width));
    this.from = -1;
    this.tell();
  }

  // close ends a stretch. Those beside each other with one label are one.
  close(to) {
    let best = 0;
    for (const k of this.seen) if (k > 0 && this.time[k] > this.time[best] * (best > 0)) best = k;
    const leads = best > 0 && this.time[best] * 2 > this.width;
    for (const k of this.seen) this.time[k] = 0;
    this.seen.length = 0;
    const {last} = this;
    if (leads && last?.label === best && this.from - last.to < this.width / 8) {
      last.to = to;
      return;
    }
    this.tell();
    if (leads) this.last = {label: best, from: this.from, to};
  }

  tell() {
    if (this.last) this.found(this.last.label, this.last.from, this.last.to - this.last.from);
    this.last = null;
  }
}

// within is as much of a name as there is room for.
export function within(c, name, room) {
  let text = name;
  for (let n = [...name].length - 1; n > 2 && c.measureText(text).width > room; n--) text = shortened(name, n);
  return text;
}
