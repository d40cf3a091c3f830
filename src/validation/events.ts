import type { Language } from '../domain/language.ts';
import type { SyntaxNode } from './syntax-tree.ts';
import type { Values } from './values.ts';

/**
 * What a language's front-end tells the rules: a qualified name is used, called, imported or assigned to; a shell command
 * runs; code of some language is run from a text (`embed`); or something that only the language knows of was seen (`oddity`).
 */
export type CodeEvent =
  | { readonly on: 'name'; readonly path: string; readonly built: boolean; readonly node: SyntaxNode }
  | {
      readonly on: 'assign';
      readonly path: string;
      readonly built: boolean;
      readonly node: SyntaxNode;
      readonly value: Values;
    }
  | ImportEvent
  | CallEvent
  | CommandEvent
  | {
      readonly on: 'embed';
      readonly language: Language;
      readonly text: string;
      readonly via: string;
      readonly node: SyntaxNode;
    }
  | { readonly on: 'oddity'; readonly what: string; readonly node: SyntaxNode };

export interface ImportEvent {
  readonly on: 'import';
  /** The module's name; undefined when it is computed from what is not known. */
  readonly module: string | undefined;
  /** True for `__import__(…)`, `import(…)` and `require(…)` with anything but a plain text. */
  readonly dynamic: boolean;
  readonly built: boolean;
  readonly node: SyntaxNode;
}

export interface CallEvent {
  readonly on: 'call';
  readonly path: string;
  readonly built: boolean;
  readonly args: readonly Values[];
  readonly named: ReadonlyMap<string, Values>;
  readonly node: SyntaxNode;
}

export interface CommandEvent {
  readonly on: 'command';
  /** The command's name, without its folder; `?` when it is not known. */
  readonly name: string;
  readonly args: readonly (string | undefined)[];
  /** Where output is written to by a redirection. */
  readonly writesTo: readonly string[];
  readonly readsFrom: readonly string[];
  readonly built: boolean;
  /** Names of the commands whose output is piped into this one, or whose output it runs. */
  readonly fedBy: readonly string[];
  readonly node: SyntaxNode;
}

/** Receives events as a front-end finds them. */
export type Emit = (event: CodeEvent) => void;
