// A cell is a script, in which `import` and `export` are errors. This turns them into what a script may say, and leaves
// strings, comments, regular expressions and line numbers as they are.

const KEYWORDS_BEFORE_REGEX =
  /(?:^|[^\w$.])(?:return|typeof|instanceof|in|of|new|delete|void|throw|case|do|else|await|yield)$/;

/** Rewrites `import`, `import()`, `import.meta` and `export` of a cell. */
export function rewriteModuleSyntax(source) {
  if (!/\b(?:import|export)\b/.test(source)) return source;
  let out = '';
  let at = 0;
  let depth = 0;
  let before = ''; // The last few characters of code, by which a slash is known.
  while (at < source.length) {
    const char = source[at];
    const skipped = skipOpaque(source, at, before);
    if (skipped > at) {
      if (!isComment(source, at)) before = '"';
      out += source.slice(at, skipped);
      at = skipped;
      continue;
    }
    if (char === '`') {
      [out, at] = copyTemplate(source, at, out);
      before = '`';
      continue;
    }
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
    else if ((char === 'i' || char === 'e') && !/[\w$.#]/.test(source[at - 1] ?? '')) {
      const rest = source.slice(at);
      const found = rewriteImport(rest, depth) ?? (depth === 0 ? rewriteExport(rest) : undefined);
      if (found) {
        const [text, length] = found;
        out += text + '\n'.repeat(lines(rest.slice(0, length)) - lines(text));
        at += length;
        before = (before + text).slice(-20);
        continue;
      }
    }
    before = (before + char).slice(-20);
    out += char;
    at++;
  }
  return out;
}

const lines = (text) => text.split('\n').length - 1;

const isComment = (source, at) => source[at] === '/' && (source[at + 1] === '/' || source[at + 1] === '*');

/** The index after a comment, a string or a regular expression that begins at `at`; `at` where none does. */
function skipOpaque(source, at, before) {
  const char = source[at];
  if (char === '/' && source[at + 1] === '/') return endOr(source.indexOf('\n', at), source);
  if (char === '/' && source[at + 1] === '*') return endOr(source.indexOf('*/', at + 2) + 2, source, 2);
  if (char === '"' || char === "'") return afterQuoted(source, at);
  if (char === '/' && startsRegex(before)) return afterRegex(source, at);
  return at;
}

const endOr = (index, source, least = 0) => (index < least ? source.length : index);

function afterQuoted(source, at) {
  const quote = source[at];
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === quote || source[i] === '\n') return i + 1;
  }
  return source.length;
}

function startsRegex(before) {
  const text = before.trimEnd();
  if (text === '' || KEYWORDS_BEFORE_REGEX.test(text)) return true;
  return !/[\w$)\]}'"`]$/.test(text);
}

function afterRegex(source, at) {
  let inClass = false;
  for (let i = at + 1; i < source.length; i++) {
    const char = source[i];
    if (char === '\n') return at + 1;
    if (char === '\\') i++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return i + 1;
  }
  return at + 1;
}

/** Copies a template literal; the code inside its `${}` is rewritten like any other. */
function copyTemplate(source, at, out) {
  let i = at + 1;
  let start = at;
  while (i < source.length) {
    if (source[i] === '\\') i += 2;
    else if (source[i] === '`') return [out + source.slice(start, i + 1), i + 1];
    else if (source[i] === '$' && source[i + 1] === '{') {
      const end = afterBraces(source, i + 2);
      out += `${source.slice(start, i + 2)}${rewriteModuleSyntax(source.slice(i + 2, end - 1))}`;
      start = end - 1;
      i = end;
    } else i++;
  }
  return [out + source.slice(start), source.length];
}

function afterBraces(source, at) {
  let depth = 1;
  let i = at;
  while (i < source.length) {
    const skipped = skipOpaque(source, i, source.slice(Math.max(at, i - 20), i));
    if (skipped > i) i = skipped;
    else if (source[i] === '`') i = copyTemplate(source, i, '')[1];
    else {
      if (source[i] === '{') depth++;
      else if (source[i] === '}' && --depth === 0) return i + 1;
      i++;
    }
  }
  return source.length;
}

const STATIC_IMPORT =
  /^import\s*(?:([\w$]+)\s*)?(?:,?\s*\*\s*as\s+([\w$]+)\s*)?(?:,?\s*\{([^}]*)\}\s*)?(?:(?<=[\w$}\s])from\s*)?(["'])((?:\\.|(?!\4).)*)\4(?:\s*(?:with|assert)\s*(\{[^}]*\}))?[ \t]*;?/;

function rewriteImport(rest, depth) {
  if (!/^import\b/.test(rest)) return undefined;
  const call = /^import(\s*)\(/.exec(rest);
  if (call) return ['__import', 'import'.length];
  if (/^import\s*\.\s*meta\b/.test(rest)) return ['__importMeta', /^import\s*\.\s*meta/.exec(rest)[0].length];
  const found = depth === 0 ? STATIC_IMPORT.exec(rest) : null;
  if (!found) return undefined;
  const [whole, name, namespace, names, , specifier, attributes] = found;
  const options = attributes ? `, { with: ${attributes} }` : '';
  const load = `await __import(${JSON.stringify(specifier)}${options})`;
  const parts = [
    name ? `default: ${name}` : '',
    (names ?? '')
      .replace(/\s+as\s+/g, ': ')
      .replace(/\s+/g, ' ')
      .trim(),
  ];
  const pattern = parts.filter(Boolean).join(', ');
  if (namespace)
    return [
      `const ${namespace} = ${load};${name ? ` const { default: ${name} } = ${namespace};` : ''}`,
      whole.length,
    ];
  return [pattern || names !== undefined ? `const { ${pattern} } = ${load};` : `${load};`, whole.length];
}

function rewriteExport(rest) {
  const list =
    /^export\s*(?:\{[^}]*\}|\*(?:\s*as\s+[\w$]+)?)\s*(?:from\s*(["'])(?:(?!\1).)*\1)?[ \t]*;?/.exec(rest);
  if (list) return ['', list[0].length];
  const named =
    /^export\s+default\s+(?=(?:async\s+)?function\b\s*\*?\s*[\w$]|class\s+(?!extends\b)[\w$])/.exec(rest);
  if (named) return ['', named[0].length];
  const value = /^export\s+default\s+/.exec(rest);
  if (value) return ['var __default = ', value[0].length];
  const declaration = /^export\s+(?=(?:async\s+)?function\b|class\b|const\b|let\b|var\b)/.exec(rest);
  return declaration ? ['', declaration[0].length] : undefined;
}
