/**
 * One client of the library: its connections, made in one way. The library is loaded here and
 * nowhere else, and only when a client is made: it takes some 40 MB.
 *
 * It retries nothing by itself unless asked: what to do after a failure is known further up.
 */
import { isIP } from 'node:net';
import type { Base, Broker, ClusterMetadata, Connection, metadataV12 } from '@platformatic/kafka';
import type * as Library from '@platformatic/kafka';
import { withinMs } from '../../../runtime/lifecycle.ts';
import type { KafkaSettings } from './connection.ts';
import { answerIn } from './errors.ts';
import { loginBy, trustByFile } from './fresh-files.ts';
import { amiss } from './words.ts';

export type { Library };

const connectMsMax = 10_000;
/** A close waits for this long, and then the sockets are destroyed. */
export const closeMsMax = 1_000;

export function loadLibrary(): Promise<typeof Library> {
  return import('@platformatic/kafka');
}

export interface ClientOptions {
  /** An answer that takes longer never comes: the connection is given up. */
  readonly requestMsMax: number;
}

/** What brokers told of where they all are, by the settings with which they were asked. */
const told = new WeakMap<KafkaSettings, readonly string[]>();

/** Clients that are made from now on ask these too: those that were given may be away by then. */
export function noteBrokers(settings: KafkaSettings, brokers: Iterable<Broker>): void {
  told.set(settings, [...brokers].map(addressOf));
}

/** `host:port`, an IPv6 address in brackets. */
export function addressOf({ host, port }: Pick<Broker, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What every client of the library is made with. */
export function clientOptions(settings: KafkaSettings, { requestMsMax }: ClientOptions) {
  const { brokers, clientId, tls, sasl } = settings;
  return {
    clientId,
    bootstrapBrokers: [...brokers, ...(told.get(settings) ?? [])],
    connectTimeout: connectMsMax,
    requestTimeout: requestMsMax,
    retries: 0,
    // Whom to trust is added for each connection, by `trustByFile`.
    ...(tls === undefined ? {} : { tls: {}, tlsServerName: haveNames(brokers) }),
    ...(sasl === undefined ? {} : { sasl: loginBy(sasl) }),
  };
}

/** Brokers behind one address are told apart by the name that TLS tells; an IP address is none. */
function haveNames(brokers: readonly string[]): boolean {
  return brokers.every((broker) => isIP(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) === 0);
}

/** An error event that nobody hears ends the process; whoever called hears of it anyhow. */
export function hearErrors(client: Base): void {
  const ignore = (): void => {};
  client.on('error' as never, ignore as never);
  client.connections.on('connecting', (event: unknown) => {
    const { broker, connection } = event as { broker: Broker; connection: Connection };
    tellMore(connection, addressOf(broker));
    // One that broke would still log in again when the login ends, fail at that, and take the
    // connection that replaced it out of use: nobody would close that one any more.
    connection.once('close', () => void connection.close());
  });
}

/** An error says as `brokersFlag` by which flag the verb takes brokers, where that is not --kafka. */
export function nameFlag(error: unknown, { brokersFlag }: KafkaSettings): void {
  if (error instanceof Error && brokersFlag !== undefined) Object.assign(error, { brokersFlag });
}

/** Errors of requests say as `broker` who was asked, and why it closed the connection: the library does not. */
function tellMore(connection: Connection, broker: string): void {
  let [last, closedBy]: unknown[] = [];
  connection.on('error', (error) => (last = error)).once('close', () => (closedBy = last));
  const send = connection.send.bind(connection) as (...all: unknown[]) => void;
  connection.send = (...all: unknown[]) => {
    const answered = all.at(-1) as (error: unknown, answer: unknown) => void;
    send(...all.slice(0, -1), (error: unknown, answer: unknown) => {
      if (error instanceof Error) {
        Object.assign(error, { broker });
        if (closedBy !== undefined) error.cause ??= closedBy;
      }
      answered(error, answer);
    });
  };
}

/**
 * Lets what any broker can answer be asked of another one first at each turn. The library begins
 * with the first that takes the connection: one that answers nothing all the same (it is frozen, or
 * a proxy stands before one that is down) would be asked for ever.
 */
function askInTurn(library: typeof Library, client: Base, turn: () => number): void {
  const ask = client[library.kGetBootstrapConnection].bind(client);
  client[library.kGetBootstrapConnection] = (callback, attempt = 0) =>
    ask(callback, attempt + turn());
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

/** A topic as the brokers tell it. */
export interface TopicMetadata {
  /** One that is deleted and made anew has another. */
  readonly id: string;
  readonly partitionsCount: number;
  /** In their order; a leader of −1 is none. */
  readonly partitions: readonly { readonly leader: number }[];
}

export interface Metadata extends Pick<ClusterMetadata, 'brokers' | 'controllerId'> {
  /** By name; those that are not there are left out. */
  readonly topics: ReadonlyMap<string, TopicMetadata>;
}

/** Of a topic: it is there; it is not, or is about to go. */
const topicIsThere = 0;
const topicIsMissing = 3;

/** What reading needs of a client. */
export type Requests = Pick<KafkaClient, 'call' | 'metadata'>;

interface Request {
  async(...all: unknown[]): Promise<unknown>;
}

/** By the library's, which has one for each version of the protocol. */
const fetches = new WeakMap<Request, Request>();

/** Who reads alone loads what unpacks, some 10 MB: an agent does not. */
async function withOurReading(library: typeof Library, request: Request): Promise<Request> {
  const known = fetches.get(request);
  if (known !== undefined) return known;
  const { fetchApi } = await import('./fetch-answer.ts');
  const ours = fetchApi(library, request as never);
  fetches.set(request, ours);
  return ours;
}

/** Requests to one cluster. */
export class KafkaClient {
  readonly #library: typeof Library;
  readonly #base: Base;
  readonly #settings: KafkaSettings;
  /** Grows with each failure of what any broker could have answered. */
  #turn = 0;

  private constructor(library: typeof Library, base: Base, settings: KafkaSettings) {
    this.#library = library;
    this.#base = base;
    this.#settings = settings;
    hearErrors(base);
    trustByFile(library, base, settings);
    askInTurn(library, base, () => this.#turn);
  }

  static async open(settings: KafkaSettings, options: ClientOptions): Promise<KafkaClient> {
    const library = await loadLibrary();
    const base = new library.Base(clientOptions(settings, options));
    return new KafkaClient(library, base, settings);
  }

  get library(): typeof Library {
    return this.#library;
  }

  /** As the brokers tell it now. */
  async metadata(topics: readonly string[]): Promise<Metadata> {
    // The library would reject where one topic is not there, or one partition has no leader.
    const { brokers, controllerId } = await this.#answered(
      'any',
      this.#base.metadata({ topics: [], forceUpdate: true }),
    );
    noteBrokers(this.#settings, brokers.values());
    const found = topics.length === 0 ? [] : await this.#topics(topics);
    return { brokers, controllerId, topics: new Map(found) };
  }

  /**
   * One request in the newest version that both sides know.
   * @param api the protocol's name, `JoinGroup`
   * @param node id of the broker, or `any`
   */
  call<Response>(api: string, node: number | 'any', ...args: unknown[]): Promise<Response> {
    return this.#answered(node, this.#call<Response>(api, node, ...args));
  }

  close(): Promise<void> {
    return closeClient(this.#base);
  }

  async #answered<T>(node: number | 'any', answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (node === 'any') this.#turn += 1;
      nameFlag(error, this.#settings);
      throw error;
    }
  }

  async #call<Response>(api: string, node: number | 'any', ...args: unknown[]): Promise<Response> {
    const library = this.#library;
    const connection = await (node === 'any' ? this.#anyConnection() : this.#connection(node));
    const request = await new Promise<Request>((resolve, reject) =>
      this.#base[library.kGetApi](api, (error, found) =>
        found === undefined ? reject(error ?? new Error(`no ${api}`)) : resolve(found as never),
      ),
    );
    const asked = api === 'Fetch' ? await withOurReading(library, request) : request;
    return (await asked.async(connection, ...args)) as Response;
  }

  async #topics(names: readonly string[]): Promise<(readonly [string, TopicMetadata])[]> {
    const [autoCreate, withRights] = [false, false];
    let failure: unknown;
    const answer = await this.call<metadataV12.MetadataResponse>(
      'Metadata',
      'any',
      [...names],
      autoCreate,
      withRights,
    ).catch((error: unknown) => {
      failure = error;
      return answerIn(error) as metadataV12.MetadataResponse | undefined;
    });
    const known = answer?.topics.filter(({ errorCode }) => errorCode !== topicIsMissing);
    if (known?.every(({ errorCode }) => errorCode === topicIsThere) !== true) throw failure;
    return known.map(({ name, topicId: id, partitions }) => {
      const inOrder = partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex);
      const leaders = inOrder.map(({ leaderId: leader }) => ({ leader }));
      return [name ?? '', { id, partitionsCount: leaders.length, partitions: leaders }];
    });
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
    if (broker === undefined) throw amiss.noBroker(node);
    return new Promise((resolve, reject) =>
      this.#base[library.kGetConnection](broker, (error, connection) =>
        connection === undefined
          ? reject(error ?? new Error('no connection'))
          : resolve(connection),
      ),
    );
  }
}
