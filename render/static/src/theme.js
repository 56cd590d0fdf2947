// Colours come from the page's style sheet, so that there is one list of them.

const names = {
  text: '--fg', muted: '--mut', line: '--line', back: '--bg', card: '--card', accent: '--acc', critical: '--crit', idle: '--idle', depth: '--depth',
  gc: '--k2',
};
const steps = ['--k0', '--k1', '--k2', '--k3', '--k4', '--k5', '--s-runnable', '--away'];
const states = ['--s-running', '--s-runnable', '--s-syscall', '--s-sync', '--s-chan', '--s-net', '--s-sleep', '--s-other'];
const functions = ['--f0', '--f1', '--f2', '--f3', '--f4', '--f5', '--f6', '--f7'];
const marks = ['--m0', '--m1', '--m2', '--m3'];

export const font = 'system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif';

// read is the palette of the theme in force.
export function read() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  const palette = {kinds: steps.map(value), states: states.map(value), marks: marks.map(value)};
  palette.fills = [...palette.kinds, ...functions.map(value)]; // by shade: see functions.js
  for (const [key, name] of Object.entries(names)) palette[key] = value(name);
  return palette;
}

// luminance of a #rrggbb colour, as WCAG defines it.
export function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const v = parseInt(hex.slice(i, i + 2), 16) / 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// ink is the text colour that is easier to read on a colour.
export function ink(hex) {
  return luminance(hex) > 0.179 ? '#111111' : '#ffffff';
}
