import type { CallEvent, CodeEvent, CommandEvent } from '../events.ts';

type Of<On extends CodeEvent['on']> = Extract<CodeEvent, { on: On }>;

/**
 * What sets a rule off. A pattern is a qualified name (`os.system`), all direct members of one (`subprocess.*`), a name under
 * any parent (`*.f_back`), or `*` for every event of its kind.
 */
export interface Trigger<On extends CodeEvent['on'] = CodeEvent['on']> {
  readonly rule: string;
  readonly on: On;
  readonly patterns: readonly string[];
  readonly when?: (event: Of<On>, text: string) => boolean;
}

/** A trigger on the use of names. */
export function onName(rule: string, patterns: readonly string[], when?: Trigger<'name'>['when']): Trigger {
  return make(rule, 'name', patterns, when);
}

/** A trigger on calls, for what depends on the arguments. */
export function onCall(
  rule: string,
  patterns: readonly string[],
  when?: (event: CallEvent, text: string) => boolean,
): Trigger {
  return make(rule, 'call', patterns, when);
}

/** A trigger on assignments to a name. */
export function onAssign(
  rule: string,
  patterns: readonly string[],
  when?: Trigger<'assign'>['when'],
): Trigger {
  return make(rule, 'assign', patterns, when);
}

/** A trigger on shell commands. */
export function onCommand(
  rule: string,
  patterns: readonly string[],
  when?: (event: CommandEvent, text: string) => boolean,
): Trigger {
  return make(rule, 'command', patterns, when);
}

/** A trigger on what a front-end has noticed by itself. */
export function onOddity(rule: string, patterns: readonly string[]): Trigger {
  return make(rule, 'oddity', patterns, undefined);
}

function make<On extends CodeEvent['on']>(
  rule: string,
  on: On,
  patterns: readonly string[],
  when: Trigger<On>['when'],
): Trigger {
  return { rule, on, patterns, ...(when ? { when } : {}) } as unknown as Trigger;
}

/** Triggers by what they wait for, so that an event costs a few look-ups however many triggers there are. */
export class TriggerIndex {
  readonly #exact = new Map<string, Trigger[]>();
  readonly #members = new Map<string, Trigger[]>();
  readonly #names = new Map<string, Trigger[]>();

  constructor(triggers: readonly Trigger[]) {
    for (const trigger of triggers) {
      for (const pattern of trigger.patterns) {
        if (pattern.startsWith('*.')) add(this.#names, `${trigger.on} ${pattern.slice(2)}`, trigger);
        else if (pattern.endsWith('.*')) add(this.#members, `${trigger.on} ${pattern.slice(0, -2)}`, trigger);
        else add(this.#exact, `${trigger.on} ${pattern}`, trigger);
      }
    }
  }

  /** The triggers that an event of a kind on a name may set off. */
  *find(on: CodeEvent['on'], path: string): Generator<Trigger> {
    const dot = path.lastIndexOf('.');
    yield* this.#exact.get(`${on} ${path}`) ?? [];
    yield* this.#exact.get(`${on} *`) ?? [];
    if (dot >= 0) {
      yield* this.#members.get(`${on} ${path.slice(0, dot)}`) ?? [];
      yield* this.#names.get(`${on} ${path.slice(dot + 1)}`) ?? [];
    }
  }
}

function add(map: Map<string, Trigger[]>, key: string, trigger: Trigger): void {
  const list = map.get(key);
  if (list) list.push(trigger);
  else map.set(key, [trigger]);
}
