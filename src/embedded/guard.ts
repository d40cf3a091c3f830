import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Reads what it is to end from its stdin: `add GROUP`, `drop GROUP`, `folder PATH`. `done` sends it home; end of file without it means
 * that the owner was killed, and then it ends the groups (asked first, killed after 3 s) and removes the folder.
 */
const SCRIPT = `
groups='' folder=''
while read -r verb value; do
  case $verb in
    add) groups="$groups $value" ;;
    drop) kept=''; for g in $groups; do [ "$g" = "$value" ] || kept="$kept $g"; done; groups=$kept ;;
    folder) folder=$value ;;
    done) exit 0 ;;
  esac
done
for g in $groups; do kill -s TERM -- "-$g"; done
tries=0
while [ $tries -lt 30 ]; do
  alive=''; for g in $groups; do kill -s 0 -- "-$g" && alive=yes; done
  [ -n "$alive" ] || break
  sleep 0.1; tries=$((tries + 1))
done
for g in $groups; do kill -s KILL -- "-$g"; done
[ -z "$folder" ] || rm -rf -- "$folder"
`;

/** A small process that outlives this one just long enough to end its children, should it be killed. */
export class Guard {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.#process.stdin?.on('error', () => undefined);
    this.#process.on('error', () => undefined);
    this.#process.unref();
    (this.#process.stdin as { unref?: () => void } | null)?.unref?.();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  add(group: number): void {
    this.#tell(`add ${group}`);
  }

  drop(group: number): void {
    this.#tell(`drop ${group}`);
  }

  folder(path: string): void {
    this.#tell(`folder ${path}`);
  }

  async release(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.ref();
    this.#tell('done');
    this.#process.stdin?.end();
    await gone;
  }

  #tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }
}
