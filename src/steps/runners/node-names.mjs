// Beside the code of a script: names that only its tests give a meaning, and that the code has no business with.
/* oxlint-disable no-unused-vars -- The harness is put together from this and others. */

/** The first name at the top of the tests that the code changes, or by which it would know what is expected; nothing where there is none. */
function nameOfTests(code, tests) {
  const plain = withoutTexts(code);
  const runsTexts = /\beval\b|\bFunction\(/.test(code);
  for (const [, name] of tests.matchAll(
    /^(?:;globalThis\.__assayMark\(\);)?(?:async\s+)?(?:let|var|const|function\*?|class)\s+(\w+)/gm,
  )) {
    const isChanged = new RegExp(
      `(?<![.\\w$#])${name}(\\s+as\\s+\\w+\\s*\\))?\\s*([-+*/|&?]*=(?![=>])|\\+\\+|--)`,
    );
    const isUsed = new RegExp(`(?<![.\\w$#])${name}(?![\\w$]|\\s*:)`);
    if (
      (/^(expect|want|correct|answer|cases$|testCases)/i.test(name) && isUsed.test(plain)) ||
      isChanged.test(runsTexts ? code : plain)
    )
      if (!isBound(plain, name)) return name;
  }
  return undefined;
}

/** Without comments, and of texts only what they are put together from. */
function withoutTexts(code) {
  return code
    .replace(/\/\*[^]*?\*\/|(?<!:)\/\/.*$/gm, '')
    .replace(/(['"])(?:\\.|(?!\1)[^\n\\])*\1/g, "''")
    .replace(/`(?:\\.|[^`\\])*`/g, (text) => (text.match(/\$\{[^}]*\}/g) ?? ['']).join(' '));
}

/** Whether the code has such a name of its own: declared, a parameter, or a field of a class. */
function isBound(code, name) {
  const places = [
    /\b(?:let|const|var|function\*?|class|enum|namespace|import|catch)\b([^;=]*)/g,
    /\(([^()]*)\)\s*(?::[^={}]*)?=>/g,
    /([\w$]+)\s*=>/g,
    /(?<!\b(?:if|while|for|switch)\s*)\(([^()]*)\)\s*(?::[^={}]*)?\{/g,
  ];
  if (/\bclass\b/.test(code))
    places.push(/(?:^|[{;}])\s*(?:(?:public|private|protected|readonly|static)\s+)*(\w+)\s*[!?]?[;:=]/gm);
  const word = new RegExp(`(?<![\\w$])${name}(?![\\w$])`);
  return places.some((place) =>
    Array.from(code.matchAll(place), ([, found]) => found).some((found) => word.test(found)),
  );
}
