import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// `dist/`: the sources as JavaScript with their types, and beside them what is no TypeScript, such as the guest's programs.
const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'setup/tsconfig.build.json')], {
  stdio: 'inherit',
});
if (built.status !== 0) process.exit(1);
let copied = 0;
for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || extname(entry.name) === '.ts' || entry.parentPath.includes('__pycache__')) continue;
  const from = join(entry.parentPath, entry.name);
  cpSync(from, join(dist, from.slice(join(root, 'src').length)), { preserveTimestamps: true });
  copied += 1;
}
console.log(`built ${dist} (${copied} files besides the code)`);
