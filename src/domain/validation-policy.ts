import { z } from 'zod';
import { Severity } from './finding.ts';

/** Names of the built-in policies. */
export const POLICY_PRESETS = ['off', 'standard', 'strict'] as const;
export const PolicyPreset = z.enum(POLICY_PRESETS);
export type PolicyPreset = z.infer<typeof PolicyPreset>;

/** A policy of one's own: a preset to start from, and what differs. */
export const CustomPolicy = z.strictObject({
  extends: PolicyPreset.default('standard').describe('Preset to start from. Default: `standard`'),
  rules: z
    .record(z.string(), z.union([z.literal('off'), Severity]))
    .default({})
    .describe('Severity by rule name, or `off`. Default: none'),
  allowImports: z
    .array(z.string().min(1))
    .optional()
    .describe('The only modules that may be imported. Default: as the preset'),
  denyImports: z
    .array(z.string().min(1))
    .default([])
    .describe('Modules that may not be imported. Default: none'),
});
export type CustomPolicy = z.infer<typeof CustomPolicy>;

export const ValidationPolicy = z.union([PolicyPreset, CustomPolicy]);
export type ValidationPolicy = z.infer<typeof ValidationPolicy>;
