/** The search attributes of Assay's workflows, all of them keywords. Plain data, so that workflows and clients share it. */
export const KEYS = {
  verdict: { name: 'AssayVerdict', type: 'KEYWORD' },
  language: { name: 'AssayLanguage', type: 'KEYWORD' },
  batch: { name: 'AssayBatch', type: 'KEYWORD' },
  failure: { name: 'AssayFailure', type: 'KEYWORD' },
  template: { name: 'AssayTemplate', type: 'KEYWORD' },
} as const;
