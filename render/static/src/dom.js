// Elements with text: names come from the trace, and textContent lets none act.

// el is an element with properties, and children that are elements or text.
export function el(tag, props, ...children) {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (key.includes('-')) e.setAttribute(key, value);
    else e[key] = value;
  }
  e.append(...children);
  return e;
}

// button is one that does something.
export function button(text, act, props) {
  const b = el('button', {type: 'button', ...props}, text);
  b.addEventListener('click', act);
  return b;
}

// copy puts a text on the clipboard and says so on the button that was pressed.
export async function copy(b, text) {
  const was = b.dataset.text ?? b.textContent;
  b.dataset.text = was;
  try {
    await navigator.clipboard.writeText(text);
    b.textContent = 'Copied';
  } catch {
    b.textContent = 'Copy failed';
  }
  setTimeout(() => { b.textContent = was; }, 2000);
}
