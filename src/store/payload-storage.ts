import type { Payload, StorageDriver } from '@temporalio/common';
import { ExternalStorage, StorageDriverClaim } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { Store } from './store.ts';
import { StoreError } from './store-error.ts';

const PayloadMessage = proto.temporal.api.common.v1.Payload;

/**
 * Temporal's external storage over the store: payloads over `thresholdBytes` (default 256 KiB) travel as references.
 * Client and worker pass the same: `new Client({ dataConverter: { externalStorage: payloadStorage(store) } })` and
 * `Worker.create({ dataConverter: { externalStorage: payloadStorage(store) } })`.
 */
export function payloadStorage(store: Store, thresholdBytes = 256 * 1024): ExternalStorage {
  return new ExternalStorage({ drivers: [storageDriver(store)], payloadSizeThreshold: thresholdBytes });
}

/** The driver alone, for those who have others too. */
export function storageDriver(store: Store): StorageDriver {
  return {
    name: 'assay',
    type: 'assay.store',
    async store(context, payloads) {
      return Promise.all(
        payloads.map(async (payload) => {
          context.abortSignal?.throwIfAborted();
          const { ref } = await store.put(PayloadMessage.encode(payload).finish());
          return new StorageDriverClaim({ ref });
        }),
      );
    },
    async retrieve(context, claims) {
      return Promise.all(
        claims.map(async ({ claimData }) => {
          context.abortSignal?.throwIfAborted();
          if (!claimData.ref) throw new StoreError('bad-reference', 'A stored payload names no blob');
          return PayloadMessage.decode(await store.get({ ref: claimData.ref })) as Payload;
        }),
      );
    },
  };
}
