import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { loadConfig } from '../config.ts';
import type { Config, ConfigFlags } from '../config.ts';
import type { BlobRef } from '../domain/blob.ts';
import { openStore } from '../store/open-store.ts';
import { payloadStorage } from '../store/payload-storage.ts';
import type { Store } from '../store/store.ts';
import { Batches } from './batches.ts';
import { InvalidSpecError } from './errors.ts';
import { Jobs } from './jobs.ts';
import { RecordedVerdicts } from './recorded-verdicts.ts';
import { Schedules } from './schedules.ts';
import { MAX_FILE_BYTES, tooLarge } from './prepare-job.ts';
import { ensureSearchAttributes } from './search-attributes.ts';
import { closableRetries, Server } from './server.ts';
import { fromServer } from './server-errors.ts';

export interface ConnectOptions extends ConfigFlags {
  /** How long to wait for the server, in ms. Default: 5000 */
  connectTimeoutMs?: number | undefined;
  /** Environment to read. Default: that of the process */
  env?: NodeJS.ProcessEnv | undefined;
}

/** What a backend service imports: jobs, batches and schedules on a Temporal server. */
export class Assay implements AsyncDisposable {
  readonly jobs: Jobs;
  readonly batches: Batches;
  readonly schedules: Schedules;
  readonly recordedVerdicts: RecordedVerdicts;
  /** Where files, outputs and artifacts lie. */
  readonly store: Store;
  readonly config: Config;
  /** For what Assay does not offer. */
  readonly temporal: Client;
  readonly #server: Server;

  private constructor(client: Client, store: Store, config: Config) {
    this.temporal = client;
    this.store = store;
    this.config = config;
    const { taskQueue, temporal: place } = config;
    const connection = client.connection as Connection;
    this.#server = new Server(client, place);
    const indexed = this.#server.call(() => ensureSearchAttributes(connection, place.namespace));
    // Whoever asks hears of it: the client was closed before it was known.
    indexed.catch(() => undefined);
    const parts = { server: this.#server, store, taskQueue, indexed };
    this.jobs = new Jobs(parts);
    this.batches = new Batches(parts);
    this.recordedVerdicts = new RecordedVerdicts(store);
    this.schedules = new Schedules({ ...parts, batches: this.batches });
  }

  /**
   * Connects by options, environment (`TEMPORAL_*`, `ASSAY_*`) and temporal.toml, in this order. Throws ConfigError, UnreachableServerError,
   * AuthenticationError, NamespaceNotFoundError, StoreError.
   */
  static async connect({ connectTimeoutMs = 5_000, env, ...flags }: ConnectOptions = {}): Promise<Assay> {
    const config = loadConfig({ flags, ...(env && { env }) });
    const { address, namespace, apiKey, tls, metadata } = config.temporal;
    const store = openStore(config.storeUrl);
    let connection: Connection | undefined;
    try {
      connection = await Connection.connect({
        ...{ address, connectTimeout: connectTimeoutMs, interceptors: closableRetries },
        ...(tls !== undefined && { tls }),
        ...(apiKey !== undefined && { apiKey }),
        ...(metadata !== undefined && { metadata }),
      });
      await connection.workflowService.describeNamespace({ namespace });
    } catch (error) {
      await connection?.close();
      throw fromServer(error, config.temporal);
    }
    const dataConverter = { externalStorage: payloadStorage(store) };
    return new Assay(new Client({ connection, namespace, dataConverter }), store, config);
  }

  /**
   * Streams a local file into the store; its `ref` goes into a job as `files[].from`. Throws InvalidSpecError for a file that is too large,
   * StoreError, and what the file system throws.
   */
  async putFile(path: string): Promise<BlobRef> {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new InvalidSpecError([{ path, message: tooLarge(size) }]);
    return await this.store.put(createReadStream(path));
  }

  /** Ends every call in flight with ClientClosedError. Jobs go on. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
