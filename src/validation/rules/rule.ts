import type { Severity } from '../../domain/finding.ts';
import type { Language } from '../../domain/language.ts';

/** How much a rule weighs under a preset. */
export type RuleLevel = Severity | 'off';

/** A rule as users see it. */
export interface Rule {
  /** Stable name. */
  readonly name: string;
  readonly languages: readonly Language[];
  /** Level by preset; under `off` no rule looks at the code. */
  readonly levels: { readonly off: RuleLevel; readonly standard: RuleLevel; readonly strict: RuleLevel };
  /** What it looks for, in a few words. */
  readonly summary: string;
  /** What to do instead: the rest of a sentence. */
  readonly advice: string;
}
