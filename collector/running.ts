/** A note of the running collector in its data folder, so that other commands find it. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurably } from '../runtime/durable-file.ts';
import { systemCodeOf } from '../runtime/errors.ts';
import { reachableHost } from '../runtime/network.ts';
import { collectorFolder } from './store/database.ts';

export interface Running {
  readonly pid: number;
  /** For people, and for other machines. */
  readonly url: string;
  /** How a command of this machine reaches it. */
  readonly localUrl: string;
  /** SHA-256 of its certificate, as Node writes it; absent without TLS. */
  readonly certificate?: string;
}

export interface Listening {
  readonly url: string;
  /** The host it was told to listen on. */
  readonly listen: string;
  readonly port: number;
  readonly tls: { readonly cert: Buffer } | undefined;
}

/**
 * Where one that listens everywhere is found on this machine. Not `localhost`: on the other family's
 * loopback anybody may listen on the same port, and would be given a code that lets in.
 */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** What there is to note of this process. */
export function runningNote({ url, listen, port, tls }: Listening): Running {
  const own = LOOPBACK_OF[listen] ?? reachableHost(listen);
  const { pid } = process;
  if (tls === undefined) return { pid, url, localUrl: `http://${own}:${port}` };
  const certificate = new X509Certificate(tls.cert).fingerprint256;
  return { pid, url, localUrl: `https://${own}:${port}`, certificate };
}

function path(dataDir: string): string {
  return join(collectorFolder(dataDir), 'running.json');
}

export function noteRunning(dataDir: string, running: Running): void {
  writeFileDurably(path(dataDir), `${JSON.stringify(running)}\n`);
}

export function forgetRunning(dataDir: string): void {
  rmSync(path(dataDir), { force: true });
}

/** The collector that runs on this folder; the note of one that was killed does not count. */
export function readRunning(dataDir: string): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(path(dataDir), 'utf8')) as Running;
    return isAlive(running.pid) ? running : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}
