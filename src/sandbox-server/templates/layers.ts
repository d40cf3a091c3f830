import { createHash } from 'node:crypto';

import type { ImageStore } from '../images/image-store.ts';
import type { BuildSpec } from './build-spec.ts';

/** The ids of the layers after each step: equal where the base and all the steps so far are. */
export function layerIds({ from, steps }: BuildSpec, images: ImageStore): string[] {
  const base = from ?? 'default';
  let chain = images.find(base)?.id ?? base;
  return steps.map((step) => {
    const { isForced: _, ...what } = step;
    chain = createHash('sha256')
      .update(JSON.stringify([chain, what]))
      .digest('hex');
    return `l${chain.slice(0, 40)}`;
  });
}

/** How many of the first steps need not be done again, for there is a layer with what they made. */
export function stepsDone({ steps }: BuildSpec, ids: string[], images: ImageStore): number {
  const forced = steps.findIndex((step) => step.isForced);
  const reusable = forced === -1 ? ids : ids.slice(0, forced);
  return reusable.findLastIndex((id) => images.use(id)) + 1;
}
