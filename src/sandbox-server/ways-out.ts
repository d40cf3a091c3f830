import type { Logger } from 'pino';

import { Egress, type Outside } from './egress/egress.ts';
import { addressOfProxy } from './egress/outbound.ts';
import type { NetworkRequest, Sandbox } from './sandbox.ts';
import { ApiError } from './wire/api-error.ts';

/** The ways of sandboxes to the outside, of those that asked for one. */
export class WaysOut {
  #outside: Outside | undefined;
  #log: Logger;
  #ways = new WeakMap<Sandbox, Egress>();

  /** @param outside what sandboxes may reach; undefined where none has a way out */
  constructor(outside: Outside | undefined, log: Logger) {
    this.#outside = outside;
    this.#log = log;
  }

  /** @throws ApiError 400 for a proxy that is not to be reached */
  async check({ egressProxy }: NetworkRequest): Promise<void> {
    if (!egressProxy || !this.#outside) return;
    await addressOfProxy(egressProxy, this.#outside).catch((error: Error) => {
      throw new ApiError(400, error.message);
    });
  }

  /** Gives a new sandbox its way out, where it asked for one. */
  give(sandbox: Sandbox): void {
    const { id, request } = sandbox;
    if (!request.internet || !this.#outside) return;
    this.#ways.set(sandbox, new Egress(this.#outside, request.network, this.#log.child({ sandboxId: id })));
  }

  /** Lets a sandbox out over its link, which is a new one or was shut by a pause. */
  async open(sandbox: Sandbox): Promise<void> {
    const way = this.#ways.get(sandbox);
    void way?.serve(sandbox.link);
    await way?.makeTrusted(sandbox.link);
  }

  /** Changes what a sandbox may reach. Open connections that it may no longer have are cut. @throws ApiError 400 as `check` */
  async change(sandbox: Sandbox, network: NetworkRequest): Promise<void> {
    await this.check(network);
    sandbox.network = network;
    const way = this.#ways.get(sandbox);
    way?.update(network);
    if (sandbox.state === 'running') await way?.makeTrusted(sandbox.link);
  }
}
