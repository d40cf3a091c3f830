import type { Finding, Severity } from '../domain/finding.ts';
import type { CheckReport } from './check.ts';
import { codeFrame } from './code-frame.ts';
import { printable, printableLine } from './printable.ts';
import { style } from './style.ts';
import { count } from './units.ts';

const SHOWN = 50;
const FORMATS = { error: 'red', warning: 'yellow', info: 'cyan' } as const satisfies Record<Severity, string>;

/** The findings of `assay check` for a person: each with its line of code, then the verdict. */
export function renderCheck(
  { language, policy, accepted, findings }: CheckReport,
  name: string,
  code: string,
): string {
  const blocks = findings.slice(0, SHOWN).map((finding) => renderFinding(finding, name, code));
  if (findings.length > SHOWN)
    blocks.push(`… and ${count(findings.length - SHOWN, 'more finding')}; --json has them all`);
  const verdict = accepted
    ? style('green', 'accepted')
    : findings.some((finding) => finding.rule === 'syntax')
      ? style('red', 'syntax error')
      : style('red', 'rejected');
  blocks.push(
    `${verdict}: ${printableLine(name)} (${language}, policy ${policy}), ${count(findings.length, 'finding')}`,
  );
  return blocks.join('\n');
}

/** One finding: where, how grave, what, and the line of code under it. */
export function renderFinding(finding: Finding, name: string, code?: string): string {
  const place = `${printableLine(name)}:${finding.line}:${finding.column}`;
  const head = `${place} ${style(FORMATS[finding.severity], finding.severity)} ${style('bold', finding.rule)}: ${printable(finding.message)}`;
  return code === undefined ? head : `${head}\n${codeFrame(code, finding)}\n`;
}
