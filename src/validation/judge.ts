import type { Language } from '../domain/language.ts';
import type { CallEvent, CodeEvent, ImportEvent } from './events.ts';
import type { ResolvedPolicy } from './policy.ts';
import { BASH_TRIGGERS } from './rules/bash-triggers.ts';
import { isDenied, isListed } from './rules/imports.ts';
import {
  JAVASCRIPT_EMBEDS,
  JAVASCRIPT_SENSITIVE_MODULES,
  JAVASCRIPT_TRIGGERS,
} from './rules/javascript-triggers.ts';
import { PYTHON_EMBEDS, PYTHON_SENSITIVE_MODULES, PYTHON_TRIGGERS } from './rules/python-triggers.ts';
import { type Trigger, TriggerIndex } from './rules/trigger.ts';
import type { SyntaxNode } from './syntax-tree.ts';
import { type Values, itemsOf, singleText, textsOf } from './values.ts';

/** Tells that a rule was set off by something at a node. */
export type Report = (rule: string, subject: string, node: SyntaxNode) => void;
/** Hands over code that the code runs: a text given to `exec`, a shell command. */
export type Embed = (language: Language, text: string, via: string, node: SyntaxNode) => void;

interface Tables {
  readonly index: TriggerIndex;
  readonly embeds: ReadonlyMap<string, (typeof PYTHON_EMBEDS)[number]>;
  readonly sensitive: ReadonlySet<string>;
}

const byPath = (embeds: typeof PYTHON_EMBEDS): Tables['embeds'] =>
  new Map(embeds.flatMap((embed) => embed.paths.map((path) => [path, embed])));
const SCRIPT: Tables = {
  index: new TriggerIndex(JAVASCRIPT_TRIGGERS),
  embeds: byPath(JAVASCRIPT_EMBEDS),
  sensitive: JAVASCRIPT_SENSITIVE_MODULES,
};
const TABLES: Record<Language, Tables> = {
  python: {
    index: new TriggerIndex(PYTHON_TRIGGERS),
    embeds: byPath(PYTHON_EMBEDS),
    sensitive: PYTHON_SENSITIVE_MODULES,
  },
  javascript: SCRIPT,
  typescript: SCRIPT,
  bash: { index: new TriggerIndex(BASH_TRIGGERS), embeds: new Map(), sensitive: new Set() },
};

/** Weighs the events of one piece of code against the rules. */
export class Judge {
  readonly #tables: Tables;
  readonly #language: Language;
  readonly #policy: ResolvedPolicy;
  readonly #text: string;
  readonly #report: Report;
  readonly #embed: Embed;

  constructor(language: Language, policy: ResolvedPolicy, text: string, report: Report, embed: Embed) {
    this.#tables = TABLES[language];
    this.#language = language;
    this.#policy = policy;
    this.#text = text;
    this.#report = report;
    this.#embed = embed;
  }

  /** Takes one event in. */
  readonly see = (event: CodeEvent): void => {
    if (event.on === 'embed') {
      this.#embed(event.language, event.text, event.via, event.node);
      return;
    }
    if (event.on === 'import') {
      this.#seeImport(event);
      return;
    }
    const path = event.on === 'oddity' ? event.what : event.on === 'command' ? event.name : event.path;
    for (const trigger of this.#tables.index.find(event.on, path)) {
      if (this.#policy.level(trigger.rule) === 'off') continue;
      const when = trigger.when as ((event: CodeEvent, text: string) => boolean) | undefined;
      if (!when || when(event, this.#text)) this.#report(trigger.rule, subjectOf(trigger, path), event.node);
    }
    if (event.on !== 'oddity' && event.built) this.#seeBuilt(event, path);
    if (event.on === 'call') this.#seeEmbedded(event);
  };

  #seeBuilt(event: Exclude<CodeEvent, ImportEvent>, path: string): void {
    if (event.on === 'command') return;
    const last = path.slice(path.lastIndexOf('.') + 1);
    const { index } = this.#tables;
    const isDangerous =
      /^__\w+__$|^constructor$/.test(last) ||
      !index.find('name', path).next().done ||
      [...index.find('call', path)].some((trigger) => !trigger.patterns.includes('*'));
    if (isDangerous || this.#tables.sensitive.has(path))
      this.#report('no-hidden-name', `\`${path}\``, event.node);
  }

  #seeImport(event: ImportEvent): void {
    const { module } = event;
    if (event.dynamic)
      this.#report(
        'no-dynamic-import',
        module === undefined ? 'a computed module' : `\`${module}\``,
        event.node,
      );
    if (module === undefined) {
      if (this.#policy.allowedImports(this.#language))
        this.#report('no-unlisted-import', 'a computed module', event.node);
      return;
    }
    const root = module.replace(/^node:/, '').split(this.#language === 'python' ? '.' : '/')[0]!;
    if (event.built && this.#tables.sensitive.has(root))
      this.#report('no-hidden-name', `\`${module}\``, event.node);
    if (this.#language === 'python' && (root === 'cffi' || root.startsWith('_ctypes')))
      this.#report('no-native-memory', `\`${module}\``, event.node);
    const allowed = this.#policy.allowedImports(this.#language);
    if (allowed && !isListed(this.#language, module, allowed))
      this.#report('no-unlisted-import', `\`${module}\``, event.node);
    if (isDenied(this.#language, module, this.#policy.deniedImports))
      this.#report('no-denied-import', `\`${module}\``, event.node);
  }

  #seeEmbedded(event: CallEvent): void {
    const embed = this.#tables.embeds.get(event.path);
    if (!embed) return;
    const via = `\`${event.path}\``;
    const language = embed.language === 'self' ? this.#language : embed.language;
    const [first = [], second = []] = event.args;
    const command = (words: readonly Values[] | undefined): void => {
      const line = words && commandLine(words);
      if (line) this.#embed('bash', line, via, event.node);
    };
    if (embed.how === 'path-and-rest') command([first, ...event.args.slice(2)]);
    else if (embed.how === 'path-and-list')
      command([first, ...(itemsOf(second) ?? []).slice(this.#language === 'python' ? 1 : 0)]);
    else {
      for (const text of textsOf(first)) this.#embed(language, text, via, event.node);
      if (embed.how === 'command' && first[0]?.kind === 'list') command(first[0].items);
    }
  }
}

/** Words as a shell would read them; unknown ones stand as a question mark. */
function commandLine(words: readonly Values[]): string {
  return words.map((word) => `'${(singleText(word)?.text ?? '?').replaceAll("'", `'\\''`)}'`).join(' ');
}

function subjectOf(trigger: Trigger, path: string): string {
  return trigger.on === 'oddity' ? path : `\`${path.replace(/^\?\./, '.')}\``;
}
