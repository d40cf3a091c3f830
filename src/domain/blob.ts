import { z } from 'zod';

/** A reference to bytes in the store. The store is content-addressed: the same bytes have the same reference, but for those that somebody owns. */
export const BlobRef = z.object({
  ref: z
    .string()
    .describe(
      'Where it lies, such as `blob:sha256:<hex>`, or `blob:<batch>:sha256:<hex>` where it goes with a run',
    ),
  bytes: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type BlobRef = z.infer<typeof BlobRef>;

/** A text or bytes that travels inside a payload when it is small, and as a reference when it is not. */
export const Content = z.union([
  z.object({ text: z.string() }),
  z.object({ base64: z.string() }),
  z.object({ blob: BlobRef }),
]);
export type Content = z.infer<typeof Content>;
