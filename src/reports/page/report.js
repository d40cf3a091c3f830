// Runs in the reader's browser. All that code wrote is put in as text, never as HTML.
const VERDICTS = ['passed', 'failed', 'rejected', 'error'];
const WORST_FIRST = { error: 0, failed: 1, rejected: 2, passed: 3 };
const PAGE_ROWS = 200;
const IMAGES = { 'image/png': ';base64,', 'image/jpeg': ';base64,', 'image/svg+xml': ',' };
const COLUMNS = [
  ['item', (item) => item.id],
  ['verdict', (item) => WORST_FIRST[item.verdict]],
  ['group', (item) => item.group ?? ''],
  ['language', (item) => item.language],
  ['time', (item) => item.durationMs],
  ['why', (item) => item.sentence],
];

const items = JSON.parse(document.getElementById('items').textContent);
const summary = JSON.parse(document.getElementById('summary').textContent);
const state = {
  verdicts: new Set(),
  words: '',
  column: -1,
  falling: false,
  shown: PAGE_ROWS,
  open: new Set(),
};

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== undefined && child !== ''));
  return element;
}

// Control characters and marks that reorder text are shown, colour codes are left out.
// oxlint-disable no-control-regex
function visible(text) {
  return String(text)
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/\r\n/g, '\n')
    .replace(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]/gu,
      (character) => `\\u${character.codePointAt(0).toString(16).padStart(4, '0')}`,
    );
}
// oxlint-enable no-control-regex

const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const verdictOf = (verdict) => make('span', { class: `verdict ${verdict}` }, verdict);

function haystackOf(item) {
  item.haystack ??= [item.id, item.group, item.sentence, item.category, item.code, item.stdout, item.stderr]
    .concat(
      item.tests
        ? [item.tests.stdout, ...item.tests.cases.flatMap(({ name, message }) => [name, message])]
        : [],
    )
    .filter((text) => text !== undefined)
    .join('\n')
    .toLowerCase();
  return item.haystack;
}

function selected() {
  const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = items.filter(
    (item) =>
      (state.verdicts.size === 0 || state.verdicts.has(item.verdict)) &&
      words.every((word) => haystackOf(item).includes(word)),
  );
  if (state.column < 0) return found;
  const keyOf = COLUMNS[state.column][1];
  const order = state.falling ? -1 : 1;
  const compare = (a, b) => (typeof a === 'number' ? a - b : a.localeCompare(b, 'en', { numeric: true }));
  return found.toSorted((a, b) => order * compare(keyOf(a), keyOf(b)));
}

function rowOf(item) {
  const open = state.open.has(item);
  const name = make('button', { 'aria-expanded': String(open) }, visible(item.id) || '(empty)');
  name.addEventListener('click', () => {
    if (!state.open.delete(item)) state.open.add(item);
    const row = name.closest('tr');
    if (row.nextSibling?.classList.contains('detail')) row.nextSibling.remove();
    else row.after(detailOf(item));
    name.setAttribute('aria-expanded', String(state.open.has(item)));
  });
  const tags = [item.cached && 'cached', item.flaky && 'flaky'].filter(Boolean);
  const row = make(
    'tr',
    {},
    make('td', {}, name),
    make('td', {}, verdictOf(item.verdict), ...tags.map((tag) => make('span', { class: 'tag' }, tag))),
    make('td', {}, visible(item.group ?? '')),
    make('td', {}, item.language),
    make('td', { class: 'number' }, duration(item.durationMs)),
    make('td', { class: 'why' }, visible(item.sentence)),
  );
  return open ? [row, detailOf(item)] : [row];
}

function detailOf(item) {
  const parts = [];
  const section = (title, ...children) => parts.push(make('h2', {}, title), ...children);
  const text = (title, value) => value && section(title, make('pre', {}, visible(value)));
  if (item.flaky) {
    const runs = Object.entries(item.flaky.verdicts).map(([verdict, times]) => `${times} × ${verdict}`);
    section('Flaky', `${item.flaky.runs} runs: ${runs.join(', ')}`);
  }
  if (item.category) {
    section(
      `Diagnosis: ${item.category}`,
      make('p', {}, visible(item.advice)),
      make('pre', {}, visible(item.evidence)),
    );
  }
  if (item.findings.length > 0) {
    const lines = item.findings.map((f) => `${f.line}:${f.column} ${f.severity} ${f.rule}: ${f.message}`);
    text('Findings', lines.join('\n'));
  }
  if (item.tests) {
    const { kind, total, passed, failed, skipped, cases, left, coverage } = item.tests;
    section(`Tests (${kind}): ${passed} of ${total} passed, ${failed} failed, ${skipped} skipped`);
    if (cases.length > 0) parts.push(casesOf(cases));
    if (left > 0) parts.push(make('p', { class: 'faint' }, `${left} more cases are in the results`));
    if (coverage) text('Coverage', `lines ${coverage.lines} %, branches ${coverage.branches} %`);
  }
  text('Raised', item.traceback);
  for (const result of item.results ?? []) section('Result', ...shownResult(result));
  text('Output', item.stdout);
  text('Error output', item.stderr);
  if (item.tests) {
    text("The tests' output", item.tests.stdout);
    text("The tests' error output", item.tests.stderr);
  }
  text('Code', item.code);
  if (item.left) parts.push(make('p', { class: 'faint' }, `${item.left}; they are in the results.`));
  return make('tr', { class: 'detail' }, make('td', { colspan: COLUMNS.length }, ...parts));
}

function casesOf(cases) {
  const rows = cases.map(({ name, outcome, durationMs, message }) =>
    make(
      'tr',
      {},
      make(
        'td',
        {},
        make('span', { class: `verdict ${outcome === 'skipped' ? 'rejected' : outcome}` }, outcome),
      ),
      make('td', {}, visible(name), message ? make('pre', {}, visible(message)) : ''),
      make('td', { class: 'number' }, duration(durationMs)),
    ),
  );
  return make('table', {}, make('tbody', {}, ...rows));
}

function shownResult({ data, chart }) {
  const shown = [];
  for (const [type, separator] of Object.entries(IMAGES)) {
    const value = data[type];
    if (typeof value !== 'string' || shown.length > 0) continue;
    if (separator === ';base64,' && !/^[A-Za-z0-9+/=\s]+$/.test(value)) continue;
    const image = make('img', { alt: 'picture that the code made' });
    image.src = `data:${type}${separator}${separator === ',' ? encodeURIComponent(value.toWellFormed()) : value}`;
    shown.push(image);
  }
  for (const [type, value] of Object.entries(data)) {
    if (type in IMAGES && shown.length > 0) continue;
    const content =
      typeof value === 'string' ? value : `kept in the store: ${value.ref} (${value.bytes} bytes)`;
    shown.push(make('p', { class: 'faint' }, visible(type)), make('pre', {}, visible(content)));
  }
  if (chart !== undefined)
    shown.push(
      make(
        'details',
        {},
        make('summary', {}, 'Chart data'),
        make('pre', {}, visible(JSON.stringify(chart, null, 2))),
      ),
    );
  return shown;
}

function render() {
  const found = selected();
  document.getElementById('rows').replaceChildren(...found.slice(0, state.shown).flatMap(rowOf));
  document.getElementById('count').textContent = `${found.length} of ${items.length} items`;
  const more = document.getElementById('more');
  more.hidden = found.length <= state.shown;
  more.textContent = `Show more (${found.length - state.shown} left)`;
  for (const [index, heading] of document.querySelectorAll('#headings th').entries()) {
    const sorted = index === state.column ? (state.falling ? 'descending' : 'ascending') : 'none';
    heading.setAttribute('aria-sort', sorted);
    const arrow = { ascending: ' ↑', descending: ' ↓', none: '' }[sorted];
    heading.firstChild.textContent = COLUMNS[index][0] + arrow;
  }
}

function again() {
  state.shown = PAGE_ROWS;
  render();
}

function start() {
  const bar = document.getElementById('bar');
  const filters = document.getElementById('filters');
  for (const verdict of VERDICTS) {
    const number = summary.counts[verdict];
    if (number > 0) {
      const share = make('span', { title: `${number} ${verdict}` });
      share.style.flexGrow = number;
      share.style.background = `var(--${verdict})`;
      bar.append(share);
    }
    const button = make(
      'button',
      { 'aria-pressed': 'false', 'data-verdict': verdict },
      verdictOf(verdict),
      ` ${number}`,
    );
    button.addEventListener('click', () => {
      if (!state.verdicts.delete(verdict)) state.verdicts.add(verdict);
      button.setAttribute('aria-pressed', String(state.verdicts.has(verdict)));
      again();
    });
    filters.append(button);
  }
  const { total, counts, passAtK = [] } = summary;
  const share = total === 0 ? '' : ` (${((counts.passed / total) * 100).toFixed(1)} %)`;
  const more = ['cached', 'flaky']
    .filter((name) => counts[name] > 0)
    .map((name) => `, ${counts[name]} ${name}`);
  document.getElementById('lead').textContent = `${counts.passed} of ${total} passed${share}${more.join('')}`;
  document.getElementById('estimates').textContent = passAtK
    .filter(({ estimate }) => estimate !== undefined)
    .map(({ k, estimate, groups }) => `pass@${k} ${(estimate * 100).toFixed(1)} % over ${groups} groups`)
    .join(' · ');
  for (const [index, [title]] of COLUMNS.entries()) {
    const button = make('button', {}, title);
    button.addEventListener('click', () => {
      state.falling = state.column === index && !state.falling;
      state.column = index;
      again();
    });
    document
      .getElementById('headings')
      .append(make('th', { scope: 'col', class: title === 'time' ? 'number' : '' }, button));
  }
  document.getElementById('search').addEventListener('input', (event) => {
    state.words = event.target.value;
    again();
  });
  document.getElementById('more').addEventListener('click', () => {
    state.shown += PAGE_ROWS;
    render();
  });
  render();
}

start();
