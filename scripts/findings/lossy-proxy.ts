/** The network between clients and one broker, which loses the answer to one request to write. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Kafka's number of the request that writes records. */
const produce = 0;
const lengthBytes = 4;

export class LossyProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target = 0;
  #loseIn = Infinity;
  #lost = 0;

  private constructor() {
    this.#server = createServer((client) => this.#take(client));
  }

  static async open(): Promise<LossyProxy> {
    const proxy = new LossyProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers that were lost so far. */
  get lost(): number {
    return this.#lost;
  }

  /** The broker's own port on loopback. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** The broker writes what so many requests from now on brings, but its connection breaks before the answer. */
  loseAnswer(requestsFromNow: number): void {
    this.#loseIn = requestsFromNow;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(client: Socket): void {
    const broker = connect({ port: this.#target, host: '127.0.0.1' });
    const end = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.#sockets.add(socket.setNoDelay(true).on('error', end));
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    let unlucky: number | undefined;
    client.on(
      'data',
      framed((frame) => {
        if (frame.readInt16BE(lengthBytes) === produce && --this.#loseIn === 0) {
          unlucky = frame.readInt32BE(lengthBytes + 4);
        }
        broker.write(frame);
      }),
    );
    broker.on(
      'data',
      framed((frame) => {
        if (unlucky === undefined || frame.readInt32BE(lengthBytes) !== unlucky) {
          client.write(frame);
          return;
        }
        this.#lost += 1;
        end();
      }),
    );
  }
}

/** Puts the stream together to whole requests or answers: their length comes first. */
function framed(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let waiting = Buffer.alloc(0);
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= lengthBytes) {
      const end = lengthBytes + waiting.readInt32BE(0);
      if (waiting.length < end) return;
      onFrame(waiting.subarray(0, end));
      waiting = waiting.subarray(end);
    }
  };
}
