// The names of Deno that cells use most, on Node: the `deno` language is TypeScript with these.

import fs from 'node:fs';
import { inspect } from 'node:util';

const bytesOf = (data) => (typeof data === 'string' ? Buffer.from(data) : data);

export const denoNames = () => ({
  args: [],
  pid: process.pid,
  build: { arch: process.arch === 'arm64' ? 'aarch64' : 'x86_64', os: 'linux', vendor: 'unknown' },
  env: {
    get: (name) => process.env[name],
    set: (name, value) => void (process.env[name] = value),
    has: (name) => name in process.env,
    delete: (name) => void delete process.env[name],
    toObject: () => ({ ...process.env }),
  },
  cwd: () => process.cwd(),
  chdir: (path) => process.chdir(path),
  exit: (code = 0) => process.exit(code),
  inspect: (value, options) => inspect(value, options),
  readTextFile: (path) => fs.promises.readFile(path, 'utf8'),
  readTextFileSync: (path) => fs.readFileSync(path, 'utf8'),
  writeTextFile: (path, text) => fs.promises.writeFile(path, text),
  writeTextFileSync: (path, text) => fs.writeFileSync(path, text),
  readFile: async (path) => new Uint8Array(await fs.promises.readFile(path)),
  readFileSync: (path) => new Uint8Array(fs.readFileSync(path)),
  writeFile: (path, data) => fs.promises.writeFile(path, bytesOf(data)),
  writeFileSync: (path, data) => fs.writeFileSync(path, bytesOf(data)),
  mkdir: async (path, options) => void (await fs.promises.mkdir(path, options)),
  mkdirSync: (path, options) => void fs.mkdirSync(path, options),
  remove: (path, options) => fs.promises.rm(path, options),
  removeSync: (path, options) => fs.rmSync(path, options),
});
