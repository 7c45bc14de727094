/**
 * One client of the library: its connections, made in one way. The library is loaded here and
 * nowhere else, and only when a client is made: it takes some 40 MB.
 *
 * It retries nothing by itself unless asked: what to do after a failure is known further up.
 */
import { isIP } from 'node:net';
import type { Base, ClusterMetadata } from '@platformatic/kafka';
import type * as Library from '@platformatic/kafka';
import { withinMs } from '../../../runtime/lifecycle.ts';
import type { KafkaSettings } from './connection.ts';
import { fetchApi } from './fetch-answer.ts';

export type { Library };

const connectMsMax = 10_000;
/** A close waits for this long, and then the sockets are destroyed. */
const closeMsMax = 1_000;

export function loadLibrary(): Promise<typeof Library> {
  return import('@platformatic/kafka');
}

export interface ClientOptions {
  /** An answer that takes longer never comes: the connection is given up. */
  readonly requestMsMax: number;
}

/** What every client of the library is made with. */
export function clientOptions(settings: KafkaSettings, { requestMsMax }: ClientOptions) {
  const { brokers, clientId, tls, sasl } = settings;
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    retries: 0,
    ...(tls === undefined ? {} : { tls: trusting(tls.ca), tlsServerName: haveNames(brokers) }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
  };
}

/** Brokers behind one address are told apart by the name that TLS tells; an IP address is none. */
function haveNames(brokers: readonly string[]): boolean {
  return brokers.every((broker) => isIP(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) === 0);
}

/** A CA that is named is trusted beside those that Node trusts. */
function trusting(ca: string | undefined) {
  if (ca === undefined) return {};
  return { ca: [...process.getBuiltinModule('node:tls').getCACertificates(), ca] };
}

/** An error event that nobody hears ends the process; whoever called hears of it anyhow. */
export function hearErrors(client: Base): void {
  const ignore = (): void => {};
  client.on('error' as never, ignore as never);
  client.connections.on('connecting', (event: unknown) => {
    const { connection } = event as { connection: { on(name: 'error', hear: () => void): void } };
    connection.on('error', ignore);
  });
}

/** Closes in bounded time, whatever the brokers do. */
export async function closeClient(client: Base): Promise<void> {
  const sockets = [...client.connections].map(([, connection]) => connection.socket);
  try {
    await withinMs('connections', closeMsMax, () => client.close());
  } catch {
    for (const socket of sockets) socket?.destroy();
  }
}

/** What reading needs of a client. */
export type Requests = Pick<KafkaClient, 'call' | 'metadata'>;

/** Requests to one cluster. */
export class KafkaClient {
  readonly #library: typeof Library;
  readonly #base: Base;

  private constructor(library: typeof Library, base: Base) {
    this.#library = library;
    this.#base = base;
    hearErrors(base);
  }

  static async open(settings: KafkaSettings, options: ClientOptions): Promise<KafkaClient> {
    const library = await loadLibrary();
    return new KafkaClient(library, new library.Base(clientOptions(settings, options)));
  }

  get library(): typeof Library {
    return this.#library;
  }

  /** As the brokers tell it now. Rejects when one of the topics is not there. */
  metadata(topics: readonly string[]): Promise<ClusterMetadata> {
    return this.#base.metadata({ topics: [...topics], forceUpdate: true });
  }

  /**
   * One request in the newest version that both sides know.
   * @param api the protocol's name, `JoinGroup`
   * @param node id of the broker, or `any`
   */
  async call<Response>(api: string, node: number | 'any', ...args: unknown[]): Promise<Response> {
    const library = this.#library;
    const connection = await (node === 'any' ? this.#anyConnection() : this.#connection(node));
    const request = await new Promise<{ async(...all: unknown[]): Promise<unknown> }>(
      (resolve, reject) =>
        this.#base[library.kGetApi](api, (error, found) =>
          found === undefined ? reject(error ?? new Error(`no ${api}`)) : resolve(found as never),
        ),
    );
    const asked: typeof request = api === 'Fetch' ? fetchApi(library, request as never) : request;
    return (await asked.async(connection, ...args)) as Response;
  }

  close(): Promise<void> {
    return closeClient(this.#base);
  }

  #anyConnection(): Promise<unknown> {
    const library = this.#library;
    return new Promise((resolve, reject) =>
      this.#base[library.kGetBootstrapConnection]((error, connection) =>
        connection === undefined
          ? reject(error ?? new Error('no connection'))
          : resolve(connection),
      ),
    );
  }

  #connection(node: number): Promise<unknown> {
    const library = this.#library;
    const broker = this.#base.currentMetadata?.brokers.get(node);
    if (broker === undefined) throw new Error(`broker ${node} is not there`);
    return new Promise((resolve, reject) =>
      this.#base[library.kGetConnection](broker, (error, connection) =>
        connection === undefined
          ? reject(error ?? new Error('no connection'))
          : resolve(connection),
      ),
    );
  }
}
