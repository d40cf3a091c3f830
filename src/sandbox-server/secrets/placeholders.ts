const SECRET = /\$\{e2b\.secrets\.([^{}]+)\}/g;
const BEGINNING = /\$\{e2b\.(secrets|identity\.tokens)\./;

/** Why a text cannot have its secrets filled in; undefined where it can. */
export function placeholderFault(text: string): string | undefined {
  const kind = BEGINNING.exec(text.replaceAll(SECRET, ''))?.[1];
  if (kind === undefined) return undefined;
  return kind === 'secrets'
    ? 'it has a placeholder of a secret that names none'
    : "tokens of workload identity ('iam') cannot be had from this server";
}

/** The names of the secrets that a text has placeholders of. */
export function secretsIn(text: string): string[] {
  return [...text.matchAll(SECRET)].map(([, name = '']) => name);
}

/** The text with its secrets; each is looked up by its name. @throws what `valueOf` throws */
export function fillSecrets(text: string, valueOf: (name: string) => string): string {
  return text.replaceAll(SECRET, (_, name: string) => valueOf(name));
}
