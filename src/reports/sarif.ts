import type { ItemResult } from '../domain/batch.ts';
import type { Finding } from '../domain/finding.ts';
import { RULES } from '../domain/validation-rules.ts';

/** The findings of one file; the file's path is relative, or `stdin`. */
export interface FileFindings {
  readonly file: string;
  readonly findings: readonly Finding[];
}

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const;

/** A SARIF 2.1.0 log, as code scanning tools read it. Columns are UTF-16 units. */
export function toSarif(results: readonly FileFindings[]): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Assay',
            rules: RULES.map((rule) => ({
              id: rule.name,
              shortDescription: { text: `${rule.summary}.` },
              help: { text: sentence(rule.advice) },
              defaultConfiguration: defaultConfiguration(rule.levels.standard),
              properties: { languages: rule.languages, presets: rule.levels },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: results.flatMap(({ file, findings }) => findings.map((finding) => resultOf(file, finding))),
      },
    ],
  };
}

/** The findings of a batch as one log, as they come; an item's id stands for its file. */
export async function* toSarifOfBatch(
  results: AsyncIterable<ItemResult>,
): AsyncGenerator<string, void, undefined> {
  const empty = JSON.stringify(toSarif([]));
  const inside = empty.lastIndexOf('[]') + 1;
  yield empty.slice(0, inside);
  let separator = '\n';
  for await (const { id, findings } of results)
    for (const finding of findings) {
      yield separator + JSON.stringify(resultOf(id, finding));
      separator = ',\n';
    }
  yield `${empty.slice(inside)}\n`;
}

const INDEX_OF = new Map(RULES.map((rule, index) => [rule.name, index]));

function resultOf(file: string, finding: Finding): object {
  return {
    ruleId: finding.rule,
    ruleIndex: INDEX_OF.get(finding.rule) ?? -1,
    level: LEVELS[finding.severity],
    message: { text: finding.message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          region: {
            startLine: finding.line,
            startColumn: finding.column,
            endLine: finding.endLine,
            endColumn: finding.endColumn,
          },
        },
      },
    ],
  };
}

function defaultConfiguration(level: 'off' | keyof typeof LEVELS): object {
  return level === 'off' ? { enabled: false } : { enabled: true, level: LEVELS[level] };
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** A file's path as a URI reference: what has a meaning in URIs is escaped. */
function uriOf(file: string): string {
  return file.toWellFormed().replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
}
