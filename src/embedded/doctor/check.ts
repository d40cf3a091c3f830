/** What a look at one piece of an installation gave. */
export interface Finding {
  /** `warn`: it works, with something that one should know. `fail`: what needs this piece does not work. */
  status: 'ok' | 'warn' | 'fail';
  /** What was found, in one line. */
  found: string;
  /** How to mend it; present unless all is well. */
  mend?: string | undefined;
}

export interface Check {
  name: string;
  look: () => Finding | Promise<Finding>;
}

export type CheckResult = Finding & { name: string };

export const ok = (found: string): Finding => ({ status: 'ok', found });
export const warn = (found: string, mend: string): Finding => ({ status: 'warn', found, mend });
export const fail = (found: string, mend: string): Finding => ({ status: 'fail', found, mend });

/** A check that throws has failed: its error is what was found. */
export async function runCheck({ name, look }: Check, mend: string): Promise<CheckResult> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return { name, ...fail(firstLine(error), mend) };
  }
}

export function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const text = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : String(message ?? error);
  return text.trim().split('\n').at(-1) ?? '';
}
