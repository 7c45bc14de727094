/**
 * The network between clients and one broker: a TCP proxy that cuts, stalls and delays. Clients go
 * on with the addresses that a broker tells them, so the broker must be told this port to tell.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { ClusterOptions, KafkaCluster } from '../../../scripts/kafka/cluster.ts';
import { startCluster } from './kafka.ts';

/** Bytes under way in one direction of one connection, beyond which its sender must wait. */
const heldBytesMax = 1024 * 1024;

interface Weather {
  /** Connections break at once, new ones too. */
  readonly cut: boolean;
  /** Connections stay, and nothing passes: as with a cable pulled out. */
  readonly stalled: boolean;
  /** Each byte arrives this much later, in each direction. */
  readonly delayMs: number;
}

const fair: Weather = { cut: false, stalled: false, delayMs: 0 };

export class Proxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #target: number | undefined;
  #weather = fair;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#take(client));
  }

  static async open(): Promise<Proxy> {
    const proxy = new Proxy();
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The port on loopback that it leads to; until it is told, every connection is refused. */
  leadTo(port: number): void {
    this.#target = port;
  }

  cut(): void {
    this.#change({ ...this.#weather, cut: true });
  }

  stall(): void {
    this.#change({ ...this.#weather, stalled: true });
  }

  delay(delayMs: number): void {
    this.#change({ ...this.#weather, delayMs });
  }

  /** Fair weather: what was held back passes now. */
  heal(): void {
    this.#change(fair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #change(weather: Weather): void {
    this.#weather = weather;
    for (const line of this.#lines) line.weatherChanged();
  }

  #take(client: Socket): void {
    if (this.#weather.cut || this.#target === undefined) return void client.destroy();
    const broker = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      const line = new Line(from, to, () => this.#weather);
      this.#lines.add(line);
      to.on('close', () => this.#lines.delete(line));
    }
  }
}

/** One direction of one connection. What it holds passes in order, none before its time. */
class Line {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: () => Weather;
  /** An empty chunk is the end. */
  readonly #held: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, weather: () => Weather) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => this.#hold(chunk));
    from.on('end', () => this.#hold(Buffer.alloc(0)));
    // The close that follows tells.
    from.on('error', () => {});
    // After a proper end what is still under way arrives; a connection that broke has broken for both.
    from.on('close', (failed) => {
      if (failed || !from.readableEnded) to.destroy();
    });
    to.on('drain', () => this.#pass());
  }

  weatherChanged(): void {
    if (!this.#weather().cut) return this.#pass();
    this.#from.destroy();
    this.#to.destroy();
  }

  #hold(chunk: Buffer): void {
    this.#held.push({ chunk, dueMs: performance.now() + this.#weather().delayMs });
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > heldBytesMax) this.#from.pause();
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    while (!this.#weather().stalled && this.#to.writableLength < heldBytesMax) {
      const next = this.#held[0];
      if (next === undefined) break;
      // A delay that was taken back counts no longer.
      const waitMs = Math.min(next.dueMs - performance.now(), this.#weather().delayMs);
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pass(), waitMs);
        break;
      }
      this.#held.shift();
      this.#heldBytes -= next.chunk.length;
      if (next.chunk.length === 0) this.#to.end();
      else this.#to.write(next.chunk);
    }
    if (this.#heldBytes <= heldBytesMax) this.#from.resume();
  }
}

export interface ProxiedCluster extends AsyncDisposable {
  readonly cluster: KafkaCluster;
  /** Node 1's first. All that clients know of the brokers leads through these. */
  readonly proxies: readonly Proxy[];
}

/** A cluster whose clients come through proxies; its brokers reach each other directly. */
export async function startProxied(
  options: ClusterOptions & { readonly nodes: number },
): Promise<ProxiedCluster> {
  await using opened = new AsyncDisposableStack();
  const proxies: Proxy[] = [];
  while (proxies.length < options.nodes) proxies.push(opened.use(await Proxy.open()));
  const advertisedPorts = proxies.map(({ port }) => port);
  const cluster = opened.use(await startCluster({ ...options, advertisedPorts }));
  for (const [index, proxy] of proxies.entries()) {
    proxy.leadTo(cluster.nodes[index]?.ports.client ?? 0);
  }
  const kept = opened.move();
  return { cluster, proxies, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
