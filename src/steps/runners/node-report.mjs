// Beside the code: how the harness tells of tests, on its own pipe and from primitives alone.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

function makeReporter(fd) {
  const nonce = randomHex();
  const write = writeSync;
  const apply = Reflect.apply;
  const charCodeAt = String.prototype.charCodeAt;
  const substring = String.prototype.substring;
  const slice = (text, from) => apply(substring, text, [from]);
  let count = 0;
  write(fd, nonce + '\n');
  // Python's literals, from primitives alone: nothing that the code could have replaced is called.
  const literal = (value) => {
    if (typeof value === 'number') return value === value && value - value === 0 ? '' + value : '0';
    const text = '' + value;
    let quoted = "'";
    for (let at = 0; at < text.length && at < 6000; at++) {
      const code = apply(charCodeAt, text, [at]);
      if (code === 39 || code === 92) quoted += '\\' + text[at];
      else if (code < 32 || code > 126)
        quoted += '\\u' + hex(code >> 12) + hex(code >> 8) + hex(code >> 4) + hex(code);
      else quoted += text[at];
    }
    return quoted + "'";
  };
  const hex = (digit) => '0123456789abcdef'[digit & 15];
  return (...news) => {
    let line = nonce + ' ' + count + ' (';
    for (let at = 0; at < news.length; at++) line += literal(news[at]) + ',';
    count += 1;
    line += ')\n';
    // ASCII only, so characters are bytes.
    for (let sent = 0; sent < line.length;) sent += write(fd, slice(line, sent));
  };
}

/** Loading `node:crypto` for it would take 3 ms. */
function randomHex() {
  const bytes = Buffer.alloc(16);
  const fd = openSync('/dev/urandom');
  readSync(fd, bytes, 0, 16, null);
  closeSync(fd);
  return bytes.toString('hex');
}

function coverage({ files, workingDirectory }) {
  let text = '';
  for (const file of files) {
    const missing = file.lines.filter((line) => line.count === 0).map((line) => line.line);
    const path = file.path.startsWith(workingDirectory)
      ? file.path.slice(workingDirectory.length + 1)
      : file.path;
    text +=
      JSON.stringify([
        path,
        file.coveredLineCount,
        file.totalLineCount,
        file.coveredBranchCount,
        file.totalBranchCount,
        missing.slice(0, 500),
      ]) + '\n';
    if (text.length > 5000) break;
  }
  tell('coverage-json', text);
}

function nameOf(error) {
  if (error?.code === 'ERR_ASSERTION') return 'AssertionError';
  return typeof error?.name === 'string' ? error.name : typeof error;
}

function messageOf(error) {
  const message = typeof error?.message === 'string' ? error.message : String(error);
  return typeof error?.code === 'string' && !message.includes(error.code) && error.code !== 'ERR_ASSERTION'
    ? error.code + ' ' + message
    : message;
}

function stackOf(error) {
  return typeof error?.stack === 'string' ? error.stack : '';
}

function failureOf(error) {
  const stack = stackOf(error)
    .split('\n')
    .filter((line) => !/^\s+at .*(node:internal|node:async_hooks|data:text\/javascript)/.test(line))
    .join('\n');
  return stack || messageOf(error);
}
