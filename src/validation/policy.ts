import type { Language } from '../domain/language.ts';
import type { ValidationPolicy } from '../domain/validation-policy.ts';
import { RULES, findRule, type RuleLevel } from '../domain/validation-rules.ts';
import { strictImports } from './rules/imports.ts';

/** A policy names a rule that does not exist; the message lists the names nearest to it. */
export class UnknownRuleError extends Error {
  readonly code = 'unknown-rule';
  override readonly name = 'UnknownRuleError';
  readonly rule: string;

  constructor(rule: string) {
    const near = nearNames(rule);
    super(
      `There is no validation rule \`${rule}\`${near.length > 0 ? `; near names: ${near.join(', ')}` : ''}`,
    );
    this.rule = rule;
  }
}

/** A policy ready to judge with. */
export interface ResolvedPolicy {
  /** `off`, `standard`, `strict`, or `custom (extends …)`. */
  readonly name: string;
  /** True when no rule looks at the code: only its syntax counts. */
  readonly isOff: boolean;
  level(rule: string): RuleLevel;
  /** The only modules that may be imported; undefined for any. */
  allowedImports(language: Language): readonly string[] | undefined;
  readonly deniedImports: readonly string[];
}

/** Turns a preset or a custom policy into levels by rule; throws UnknownRuleError for a rule that does not exist. */
export function resolvePolicy(policy: ValidationPolicy = 'standard'): ResolvedPolicy {
  if (typeof policy === 'string') return preset(policy);
  const base = preset(policy.extends ?? 'standard');
  const levels = new Map(Object.entries(policy.rules ?? {}));
  for (const name of levels.keys()) if (!findRule(name)) throw new UnknownRuleError(name);
  const deniedImports = policy.denyImports ?? [];
  const asked = (name: string): RuleLevel | undefined => {
    if (name === 'no-unlisted-import' && policy.allowImports) return 'error';
    return name === 'no-denied-import' && deniedImports.length > 0 ? 'error' : undefined;
  };
  const level = (name: string): RuleLevel => levels.get(name) ?? asked(name) ?? base.level(name);
  return {
    name: `custom (extends ${base.name})`,
    isOff: RULES.filter((rule) => rule.levels.off === 'off').every((rule) => level(rule.name) === 'off'),
    level,
    allowedImports: (language) =>
      policy.allowImports ?? (level('no-unlisted-import') === 'off' ? undefined : strictImports(language)),
    deniedImports,
  };
}

function preset(name: 'off' | 'standard' | 'strict'): ResolvedPolicy {
  return {
    name,
    isOff: name === 'off',
    level: (rule) => findRule(rule)?.levels[name] ?? 'off',
    allowedImports: (language) => (name === 'strict' ? strictImports(language) : undefined),
    deniedImports: [],
  };
}

function nearNames(name: string): string[] {
  return RULES.map((rule) => ({ name: rule.name, distance: distanceBetween(name.slice(0, 60), rule.name) }))
    .filter(
      ({ name: known, distance }) =>
        distance <= Math.max(3, known.length / 3) || (name.length > 3 && known.includes(name)),
    )
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((near) => near.name);
}

/** How many letters have to change to get from one word to the other. */
function distanceBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
