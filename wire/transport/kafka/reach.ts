/**
 * Whether a Kafka broker answers at an address. That something takes the connection tells nothing:
 * a port forwarder does so whether or not there is a broker behind it.
 */
import { connect, isIP, type Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { checkSignal } from '../../../runtime/doctor.ts';
import { messageOf } from '../../../runtime/errors.ts';
import { isTlsTrouble } from './errors.ts';

/** Of the question, which its answer repeats. */
const correlationId = 0x77_69_6e_64;
/**
 * What a broker answers to anybody, before any login and in whatever version it is:
 *
 *     length INT32 | api key INT16 (18, ApiVersions) | version INT16 (0) | correlation id INT32 |
 *     client id INT16 (-1: none)
 *
 * Its answer is `length INT32 | correlation id INT32 | …`
 * (https://kafka.apache.org/protocol#The_Messages_ApiVersions).
 */
const question = Buffer.alloc(14);
question.writeInt32BE(question.length - 4, 0);
question.writeInt16BE(18, 4);
question.writeInt32BE(correlationId, 8);
question.writeInt16BE(-1, 12);
const answerBytesMin = 8;

interface Heard {
  readonly isConnected: boolean;
  readonly isSecured: boolean;
  /** The first bytes that came; what more there is nobody waits for. */
  readonly bytes: Buffer;
  /** Absent when enough came, or the other side closed the connection. */
  readonly error?: unknown;
}

/**
 * Ends in bounded time.
 * @param broker `host:port`
 * @returns what is in the way, in words; undefined where a broker answers, and where it is TLS that is in the way
 */
export async function reach(broker: string, withTls: boolean): Promise<string | undefined> {
  const { hostname, port } = new URL(`tcp://${broker}`);
  const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
  if (!withTls) return troubleIn(await ask(connect(to)));
  // Not loaded by an agent that runs and needs none of it.
  const { connect: connectTls } = process.getBuiltinModule('node:tls');
  // Whether the certificate is trusted is for another check.
  const servername = isIP(to.host) === 0 ? to.host : '';
  const heard = await ask(connectTls({ ...to, servername, rejectUnauthorized: false }));
  // Who speaks no TLS may still say what it is.
  return heard.isSecured || isLate(heard.error) ? troubleIn(heard) : reach(broker, false);
}

async function ask(socket: Socket): Promise<Heard> {
  let [isConnected, isSecured] = [false, false];
  let bytes = Buffer.alloc(0);
  socket
    .once('connect', () => (isConnected = true))
    .once('secureConnect', () => (isSecured = true))
    // One that comes when enough was heard would end the process.
    .on('error', () => {});
  socket.write(question);
  try {
    for await (const chunk of addAbortSignal(checkSignal(), socket)) {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      if (bytes.length >= answerBytesMin) break;
    }
    return { isConnected, isSecured, bytes };
  } catch (error) {
    return { isConnected, isSecured, bytes, error };
  } finally {
    socket.destroy();
  }
}

function troubleIn({ isConnected, bytes, error }: Heard): string | undefined {
  if (!isConnected) return isLate(error) ? 'no answer' : messageOf(error);
  if (isAnswer(bytes) || isTlsAlert(bytes) || isTlsTrouble(error)) return undefined;
  if (bytes.length > 0) {
    const isWeb = bytes.toString('latin1').startsWith('HTTP/');
    return `what answers there is no Kafka broker${isWeb ? ', but a web server' : ''}`;
  }
  const does = isLate(error) ? 'it takes connections and answers nothing' : 'it closes connections';
  return `no Kafka broker answers there: ${does}`;
}

function isLate(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function isAnswer(bytes: Buffer): boolean {
  return bytes.length >= answerBytesMin && bytes.readInt32BE(4) === correlationId;
}

/** How a listener that speaks TLS refuses what is none: a record of the type alert (21), of SSL 3 or later. */
function isTlsAlert(bytes: Buffer): boolean {
  return bytes[0] === 21 && bytes[1] === 3;
}
