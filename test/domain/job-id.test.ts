import { expect, test } from 'vitest';
import { jobIdOf } from '../../src/domain/job-id.ts';

test('the same key is the same job', () => {
  expect(jobIdOf('pr-812', () => 'never asked')).toBe('job-pr-812');
});

test('a job without a key has an id of its own', () => {
  let next = 0;
  const unique = () => String((next += 1));
  expect(jobIdOf(undefined, unique)).not.toBe(jobIdOf(undefined, unique));
});
