import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// `npm run bench -- NAME [arguments]` runs bench/NAME.ts; without a name it says which there are.
const [name, ...rest] = process.argv.slice(2);
const file =
  name === undefined || !/^[\w-]+$/.test(name) ? undefined : new URL(`./${name}.ts`, import.meta.url);
if (file === undefined || helpers().has(name ?? '') || !existsSync(file)) {
  const names = readdirSync(fileURLToPath(new URL('.', import.meta.url)))
    .filter((entry) => entry.endsWith('.ts'))
    .map((entry) => entry.slice(0, -'.ts'.length))
    .filter((entry) => !helpers().has(entry));
  console.error(`usage: npm run bench -- ${names.join('|')}`);
  process.exit(64);
}
process.argv.splice(1, process.argv.length, fileURLToPath(file), ...rest);
await import(file.href);

function helpers(): Set<string> {
  return new Set(['run', 'figures', 'node-items', 'shard-loop']);
}
