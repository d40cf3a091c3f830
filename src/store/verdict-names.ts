/** The name of a recorded verdict, by the hash of what was asked. */
export function verdictName(hash: string): string {
  return `${folderOf(hash.slice(0, 2))}${hash}.json`;
}

/** All folders in which recorded verdicts lie. */
export function verdictFolders(): string[] {
  return Array.from({ length: 256 }, (_, at) => folderOf(at.toString(16).padStart(2, '0')));
}

const folderOf = (start: string): string => `verdicts/${start}/`;
