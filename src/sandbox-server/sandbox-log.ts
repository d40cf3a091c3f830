const MAX_ENTRIES = 1_000;

/** One thing that happened to a sandbox. */
export interface SandboxLogEntry {
  timestamp: string;
  level: 'info' | 'warn' | 'error';
  message: string;
  fields: Record<string, string>;
}

/** What happened to a sandbox: its changes of state, and what clients ran in it. The newest entries are kept. */
export class SandboxLog {
  #entries: SandboxLogEntry[] = [];

  add(level: SandboxLogEntry['level'], message: string, fields: Record<string, string> = {}): void {
    this.#entries.push({ timestamp: new Date().toISOString(), level, message, fields });
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
  }

  /** Entries from `startMs` on (Unix time), oldest first. */
  since(startMs: number, limit: number): SandboxLogEntry[] {
    return this.#entries.filter(({ timestamp }) => Date.parse(timestamp) >= startMs).slice(0, limit);
  }
}
