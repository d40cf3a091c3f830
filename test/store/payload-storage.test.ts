import { defaultPayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/open-store.ts';
import { payloadStorage, storageDriver } from '../../src/store/payload-storage.ts';

test('a payload goes to the store and comes back, metadata and all', async () => {
  const driver = storageDriver(openStore('memory://'));
  const values = [{ text: 'a'.repeat(400_000) }, new Uint8Array([0, 1, 255])];
  const claims = await driver.store(
    {},
    values.map((value) => defaultPayloadConverter.toPayload(value)!),
  );
  const payloads = await driver.retrieve({}, claims);
  expect(payloads.map((payload) => defaultPayloadConverter.fromPayload(payload))).toEqual(values);
});

test('a claim on a lost payload is a StoreError', async () => {
  const driver = storageDriver(openStore('memory://'));
  const claims = await driver.store({}, [defaultPayloadConverter.toPayload('x')!]);
  await expect(storageDriver(openStore('memory://')).retrieve({}, claims)).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('the threshold is 256 KiB unless told otherwise', () => {
  expect(payloadStorage(openStore('memory://')).payloadSizeThreshold).toBe(262_144);
});
