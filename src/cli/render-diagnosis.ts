import type { Diagnosis } from '../domain/diagnosis.ts';
import { printable } from './printable.ts';
import { style } from './style.ts';

/** Why it did not pass: category, evidence, advice, and whether the same job may end otherwise. */
export function renderDiagnosis(diagnosis: Diagnosis): string {
  const retry = diagnosis.retryHelps
    ? 'A retry of the same job may help.'
    : 'A retry of the same job does not help.';
  return [
    `${style('bold', 'Diagnosis')} ${style('yellow', diagnosis.category)}`,
    `  ${printable(diagnosis.evidence).replaceAll('\n', '\n  ')}`,
    `  ${printable(diagnosis.advice)} ${retry}`,
  ].join('\n');
}
