// A page that gmptrace serve shows can ask for what it does not have: the window
// in sight in full detail.
import {inflate, parse} from './decode.js';
import {parts} from './span.js';

const PAUSE = 350; // ms for which the window must stand still

// missing tells whether slices of a window were left out.
export function missing(window, kept) {
  return parts(window, kept).some(([, , has]) => !has);
}

// worthwhile tells whether asking for a window can bring more than what was asked
// for last did not: it is elsewhere, or less than half as long.
export function worthwhile([start, end], asked) {
  return !asked || start < asked[0] || end > asked[1] || end - start < (asked[1] - asked[0]) / 2;
}

// fits tells whether a window is likely to have few enough slices: as many as the
// page has now, give or take a factor of two, for they are not spread evenly.
export function fits([start, end], {from, to, have, all}) {
  return ((end - start) / (to - from)) * all <= 2 * have;
}

// connect lets the timeline fetch; say shows a line of text.
export function connect(timeline, say) {
  let asked = null;
  let pending = 0;
  let current = null;
  const load = async () => {
    const {view, bounds} = timeline;
    const window = [Math.max(bounds[0], Math.floor(view.window[0])), Math.min(bounds[1], Math.ceil(view.window[1]))];
    current?.abort();
    if (!missing(view.window, view.kept)) {
      if (asked && worthwhile(window, asked)) say(''); // what was said is of another one
      return;
    }
    if (!fits(window, timeline.meta)) {
      say('Zoom in: shorter windows are fetched in full detail.');
      return;
    }
    if (!worthwhile(window, asked)) return;
    current = new AbortController();
    const {signal} = current;
    say('Fetching this window in full detail …');
    try {
      const answer = await fetch(`window?from=${window[0]}&to=${window[1]}`, {signal});
      if (!answer.ok) throw new Error(await answer.text());
      const {meta, block} = await answer.json();
      const trace = parse(await inflate(block));
      if (signal.aborted) return;
      asked = window;
      timeline.replace(meta, trace);
      say(missing(window, timeline.view.kept) ? 'This window has more slices than the page can take: zoom in for full detail.' : 'This window is in full detail.');
    } catch (why) {
      if (signal.aborted) return;
      asked = window;
      say(`This window could not be fetched: ${why.message}`);
    }
  };
  timeline.onChange(() => {
    clearTimeout(pending);
    pending = setTimeout(load, PAUSE);
  });
  pending = setTimeout(load, 0);
}
