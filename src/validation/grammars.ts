import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { Language as Grammar, Parser } from 'web-tree-sitter';

/** The grammars in use; `tsx` is TypeScript with JSX. */
export type GrammarName = 'python' | 'javascript' | 'typescript' | 'tsx' | 'bash';

const FILES: Record<GrammarName, string> = {
  python: 'tree-sitter-python/tree-sitter-python.wasm',
  javascript: 'tree-sitter-javascript/tree-sitter-javascript.wasm',
  typescript: 'tree-sitter-typescript/tree-sitter-typescript.wasm',
  tsx: 'tree-sitter-typescript/tree-sitter-tsx.wasm',
  bash: 'tree-sitter-bash/tree-sitter-bash.wasm',
};

const require = createRequire(import.meta.url);
const parsers = new Map<GrammarName, Promise<Parser>>();
let runtime: Promise<void> | undefined;

/** The parser of a grammar, loaded once per process. It is shared: use it without an `await` in between. */
export function parserFor(name: GrammarName): Promise<Parser> {
  let parser = parsers.get(name);
  if (!parser) {
    parser = load(name);
    parsers.set(name, parser);
    parser.catch(() => parsers.delete(name));
  }
  return parser;
}

/** Throws a parser away whose memory may be in an odd state or has grown large. */
export function forgetParser(name: GrammarName, parser: Parser): void {
  parsers.delete(name);
  try {
    parser.delete();
  } catch {
    // It is gone either way.
  }
}

// V8 compiles the way from WebAssembly to a function of JavaScript anew once it was called a thousand times, and then frees code
// of modules that may be gone: the process ends by `Check failed: jit_page.has_value()` or a fault of memory (Node 24.21). That
// way is called once for each piece of a text that the parser reads, and costs nothing that shows as it is.
setFlagsFromString(`--wasm-wrapper-tiering-budget=${2 ** 31 - 1}`);

async function load(name: GrammarName): Promise<Parser> {
  runtime ??= Parser.init();
  await runtime;
  const grammar = await Grammar.load(require.resolve(FILES[name]));
  return new Parser().setLanguage(grammar);
}
