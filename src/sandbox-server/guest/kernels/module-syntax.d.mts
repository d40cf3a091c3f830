/** A cell's static imports and exports as what a cell can do. Untouched where it has none, or where it is no program. */
export function rewriteModuleSyntax(source: string): string;
