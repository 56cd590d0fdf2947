// What keys do on the timeline, and the list of them.
import {button, el} from './dom.js';
import * as span from './span.js';

// table is every key: what is pressed, what that does, in words and in deed. Those
// without a deed are heard elsewhere.
const table = [
  [['w'], 'zoom in, around the pointer, as Ctrl and the wheel do', (t) => t.zoom(0.7)],
  [['s'], 'zoom out', (t) => t.zoom(1 / 0.7)],
  [['a', 'ArrowLeft'], 'move to earlier times', (t) => t.show(span.pan(t.view.window, -0.2))],
  [['d', 'ArrowRight'], 'move to later times', (t) => t.show(span.pan(t.view.window, 0.2))],
  [['+', '='], 'zoom in to half of the window', (t) => t.show(span.zoom(t.view.window, 0.5))],
  [['-'], 'zoom out to twice of it', (t) => t.show(span.zoom(t.view.window, 2))],
  [['0'], 'the whole trace', (t) => t.show(t.bounds, -1)],
  [['f'], 'fit the selection, or else the chosen slice, into the window', (t) => t.fit()],
  [['ArrowUp'], 'the row above', (t) => t.moveRow(-1)],
  [['ArrowDown'], 'the row below', (t) => t.moveRow(1)],
  [['[', ','], 'the slice before, on the chosen row', (t) => t.step(-1)],
  [[']', '.'], 'the next slice, on the chosen row', (t) => t.step(1)],
  [['{', '<'], 'the slice before, of the same goroutine', (t) => t.goOn(-1)],
  [['}', '>'], 'the next slice, of the same goroutine', (t) => t.goOn(1)],
  [['b'], 'to the slice by which the goroutine was made runnable', (t) => t.toWaker()],
  [['g'], 'a row for the goroutine, or none any more', (t) => t.pinChosen()],
  [['m'], 'mark where the chosen slice begins, or the pointer is; once more: no mark there', (t) => t.mark()],
  [['M'], 'remove all marks', (t) => t.unmark()],
  [['n'], 'the next finding', (t) => t.nextFinding(1)],
  [['N'], 'the finding before', (t) => t.nextFinding(-1)],
  [['x'], 'select what is shown; Shift and the arrows stretch it'],
  [['/'], 'search the page, as Ctrl-K does'],
  [['Escape'], 'clear what was searched or selected'],
  [['?'], 'this list'],
];

// keys are the deeds by key.
export const keys = Object.fromEntries(table.flatMap(([names, , act]) => (act ? names.map((name) => [name, act]) : [])));

const spelled = {ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', '-': '−', Escape: 'Esc'};

// help makes "?" and a button list all keys.
export function help(opener) {
  const names = (list) => list.flatMap((name) => [' ', el('kbd', null, spelled[name] ?? (/^[a-z]$/.test(name) ? name.toUpperCase() : name === 'M' || name === 'N' ? `Shift ${name}` : name))]);
  const rows = table.map(([list, what]) => el('tr', null, el('th', {scope: 'row'}, ...names(list)), el('td', {className: 'word'}, what)));
  const dialog = el('dialog', {className: 'help', 'aria-labelledby': 'help-title'},
    el('h2', {id: 'help-title'}, 'Keys of the timeline'), el('table', {className: 'data'}, el('tbody', null, ...rows)), button('Close', () => dialog.close()));
  document.body.append(dialog);
  const open = () => { if (!dialog.open) dialog.showModal(); };
  opener.addEventListener('click', open);
  document.addEventListener('keydown', (e) => {
    if (e.key !== '?' || e.ctrlKey || e.metaKey || e.target.closest?.('input, select, textarea, dialog')) return;
    e.preventDefault();
    open();
  });
}
