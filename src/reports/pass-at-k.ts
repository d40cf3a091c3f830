/** Samples of the same task: how many were judged, and how many of them passed. */
export interface Samples {
  judged: number;
  passed: number;
}

export interface PassAtK {
  k: number;
  /** Mean over the groups, from 0 to 1. Absent where no group has as many as k samples. */
  estimate?: number | undefined;
  /** Groups with at least k samples. */
  groups: number;
  /** Groups with fewer, which are left out. */
  groupsLeftOut: number;
}

/**
 * The unbiased estimate that one of k samples passes, of `judged` samples of which `passed` did: 1 - C(n-c, k) / C(n, k), as a product, since the
 * binomials overflow. Source: Chen et al., "Evaluating Large Language Models Trained on Code", 2021 (arXiv 2107.03374). Throws RangeError
 * where k is more than the samples.
 */
export function estimatePassAtK({ judged, passed }: Samples, k: number): number {
  if (k < 1 || k > judged)
    throw new RangeError(`pass@${k} needs at least ${k} samples, and there are ${judged}`);
  if (judged - passed < k) return 1;
  let nonePasses = 1;
  for (let i = judged - passed + 1; i <= judged; i += 1) nonePasses *= 1 - k / i;
  return 1 - nonePasses;
}

/** pass@k as the mean over groups of samples. */
export function passAtK(groups: Iterable<Samples>, k: number): PassAtK {
  let sum = 0;
  let counted = 0;
  let groupsLeftOut = 0;
  for (const samples of groups) {
    if (samples.judged < k) groupsLeftOut += 1;
    else {
      sum += estimatePassAtK(samples, k);
      counted += 1;
    }
  }
  return { k, groups: counted, groupsLeftOut, ...(counted > 0 && { estimate: sum / counted }) };
}
