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

// connect lets the timeline fetch; say shows a line of text.
export function connect(timeline, say) {
  let asked = null;
  let pending = 0;
  let current = null;
  const load = async () => {
    const {view, bounds} = timeline;
    const window = [Math.max(bounds[0], Math.floor(view.window[0])), Math.min(bounds[1], Math.ceil(view.window[1]))];
    if (!missing(view.window, view.kept) || !worthwhile(window, asked)) return;
    current?.abort();
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
