import { expect, test } from 'vitest';
import { jobResultSchema, jobSpecSchema } from '../../src/domain/json-schema.ts';

interface Schema {
  title?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  description?: string;
  default?: unknown;
  required?: string[];
}

test('a job needs its language and its code, and nothing else', () => {
  expect((jobSpecSchema() as Schema).required).toEqual(['language', 'code']);
});

test('every field of a job that may be left out names its default', () => {
  const silent: string[] = [];
  const walk = (schema: Schema, path: string) => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      const optional = !schema.required?.includes(name);
      const grouped = field.properties !== undefined;
      // Exactly one of a file's content, base64 and from is given.
      const oneOfThree = path === '.files[]';
      if (optional && !grouped && !oneOfThree && !/Default: /.test(field.description ?? ''))
        silent.push(`${path}.${name}`);
      walk(field, `${path}.${name}`);
    }
    if (schema.items) walk(schema.items, `${path}[]`);
    for (const choice of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) walk(choice, path);
  };
  walk(jobSpecSchema() as Schema, '');
  expect(silent).toEqual([]);
});

test('the schema of a result names all of its fields', () => {
  const { properties, title } = jobResultSchema() as Schema;
  expect(title).toBe('JobResult');
  expect(Object.keys(properties ?? {})).toEqual(
    expect.arrayContaining([
      'verdict',
      'findings',
      'attempts',
      'execution',
      'tests',
      'artifacts',
      'diagnosis',
      'usage',
    ]),
  );
});
