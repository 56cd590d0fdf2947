// A page that gmptrace serve shows can ask for explanations and predictions: they open in
// a dialog of it, and are pages of their own for who follows their links otherwise.
import {el} from './dom.js';
import {pct} from './format.js';

const asking = 'a[href^="explain?"], a[href^="whatif"]';
const HASH = '#ask=';

// lines are the parsed lines of a stream of JSON.
export async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    const parts = (rest + (value ?? '')).split('\n');
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
    if (done) break;
  }
  if (rest) yield JSON.parse(rest);
}

// toAsk is what an address asks for; null for nothing that this page may ask.
export function toAsk(hash) {
  if (!hash.startsWith(HASH)) return null;
  try {
    const href = decodeURIComponent(hash.slice(HASH.length));
    return /^(explain|whatif)(\?[^#]*)?$/.test(href) ? href : null;
  } catch {
    return null; // "%" and no two digits
  }
}

// query is the address of a form's fields, those left out that are empty or as they were.
export function query(path, fields) {
  const out = new URLSearchParams();
  for (const f of fields) {
    if (f.type === 'checkbox') {
      if (f.checked) out.append(f.name, 'true');
    } else if (f.name && f.value.trim() !== '') out.append(f.name, f.value.trim());
  }
  const text = String(out);
  return text ? `${path}?${text}` : path;
}

// connect makes links ask. home says what the address is when nothing is asked for.
export function connect($, home) {
  const sheet = new Sheet($, home);
  const form = $('what-if');
  document.addEventListener('click', (e) => {
    const link = e.composedPath()[0].closest?.('a[href]');
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    if (link.id === 'what-if-open') form.showModal();
    else if (link.matches(asking) && !link.target) sheet.ask(link.getAttribute('href'));
    else {
      if (link.hash && link.closest('.sheet-page')) sheet.leave(); // into the timeline, which links() does
      return;
    }
    e.preventDefault();
  }, true);
  $('what-if-form').addEventListener('submit', (e) => {
    e.preventDefault();
    form.close();
    sheet.ask(query('whatif', e.target.elements));
  });
  $('what-if-close').addEventListener('click', () => form.close());
  const follow = () => sheet.follow(toAsk(location.hash));
  addEventListener('hashchange', follow);
  addEventListener('popstate', follow);
  follow();
  return sheet;
}

// Sheet is the dialog. What it shows has a shadow tree, so that names and styles of two
// pages do not mix.
class Sheet {
  constructor($, home) {
    Object.assign(this, {$, home, href: null, current: null, dialog: $('sheet')});
    this.root = $('sheet-page').attachShadow({mode: 'open'});
    $('sheet-close').addEventListener('click', () => this.dialog.close());
    this.dialog.addEventListener('close', () => this.closed());
  }

  // ask asks anew, and puts that into the address.
  ask(href) {
    history.pushState(null, '', HASH + encodeURIComponent(href));
    this.follow(href);
  }

  // follow shows what an address asks for; null for nothing.
  follow(href) {
    if (href === this.href) return;
    if (href === null) {
      this.leave();
      return;
    }
    this.href = href;
    if (!this.dialog.open) {
      for (const open of document.querySelectorAll('dialog[open]')) open.close();
      this.dialog.showModal();
    }
    this.$('sheet-open').href = href;
    this.load(href);
  }

  // leave closes it without touching the address.
  leave() {
    this.href = null;
    if (this.dialog.open) this.dialog.close();
  }

  closed() {
    this.current?.abort();
    if (this.href !== null) history.replaceState(null, '', this.home());
    this.href = null;
    this.root.replaceChildren();
  }

  async load(href) {
    this.current?.abort();
    const mine = this.current = new AbortController();
    const say = (text, part = 0, failed = false) => {
      this.$('sheet-says').textContent = text;
      this.bar(part, text === '' || failed);
    };
    this.root.replaceChildren();
    say('Asking …');
    try {
      const answer = await fetch(href, {signal: mine.signal, headers: {Accept: 'application/x-ndjson'}});
      if (!answer.ok) throw new Error(await answer.text());
      let page = null;
      for await (const line of lines(answer.body)) {
        if (line.error) throw new Error(line.error);
        if (line.page) page = line.page;
        else say(`${line.text} …`, line.part);
      }
      if (page === null) throw new Error('the answer was cut off');
      if (mine.signal.aborted) return;
      say('');
      this.show(page);
    } catch (why) {
      if (mine.signal.aborted) return;
      say(`This could not be answered: ${why.message}`, 0, true);
    }
  }

  // bar shows how far it is: not known for 0.
  bar(part, hidden) {
    const bar = this.$('sheet-bar');
    bar.hidden = hidden;
    if (part > 0) {
      bar.value = part;
      bar.textContent = pct(part);
    } else bar.removeAttribute('value');
    this.$('sheet-close').textContent = hidden ? 'Close' : 'Cancel';
  }

  show(page) {
    const parsed = new DOMParser().parseFromString(page, 'text/html');
    parsed.querySelector('nav.pages')?.remove(); // this page has one
    const shown = el('div', {className: `sheet-page ${parsed.body.className}`}, ...[...parsed.body.childNodes].map((n) => document.importNode(n, true)));
    this.root.replaceChildren(...[...parsed.querySelectorAll('style')].map((s) => document.importNode(s, true)), shown);
    this.$('sheet').scrollTop = 0;
  }
}

// goroutine and named are links to explanations of a goroutine and of a function.
export const goroutine = (g) => link(`G${g}`, `explain?goroutine=${g}`);
export const named = (name) => link(name, `explain?${new URLSearchParams({func: `^${name.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')}$`})}`);

const link = (what, href) => el('a', {className: 'ask', href}, `Explain ${what}`);
