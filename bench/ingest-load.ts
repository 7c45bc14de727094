/**
 * The load of `bench ingest`, in processes of its own: `encode` writes the bodies to a file
 * beforehand, `send` sends them over HTTP and reports what it saw as one line of JSON.
 *
 *   node bench/ingest-load.ts encode FILE
 *   node bench/ingest-load.ts send FILE URL IN_FLIGHT [SAMPLES_PER_SECOND]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { encodeBatch } from '../wire/records/batch.ts';
import { SAMPLES_TOPIC } from '../wire/records/record.ts';
import { WIRE_VERSION } from '../wire/version.ts';
import { bootName, sampleMade, serverName } from './samples-made.ts';

export const AGENTS = 1_000;
export const SAMPLES_PER_BODY = 50;
export const ROUNDS = 20;
export const SAMPLES = AGENTS * SAMPLES_PER_BODY * ROUNDS;

export interface LoadReport {
  readonly samplesPerSecond: number;
  readonly ackMsP50: number;
  readonly ackMsP99: number;
  readonly stored: number;
}

/** Bodies in the order in which they are sent: every agent once, then every agent again. */
function encode(path: string): void {
  const startMs = Date.now() - ROUNDS * SAMPLES_PER_BODY * 1_000;
  const parts: Buffer[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let agent = 0; agent < AGENTS; agent += 1) {
      const body = gzipSync(bodyOf(agent, round, startMs), { level: 1 });
      const length = Buffer.alloc(4);
      length.writeUInt32LE(body.length);
      parts.push(length, body);
    }
  }
  writeFileSync(path, Buffer.concat(parts));
}

function bodyOf(agent: number, round: number, startMs: number): string {
  const [server_id, boot_id] = [serverName(agent), bootName(agent)];
  const records = Array.from({ length: SAMPLES_PER_BODY }, (_, i) => {
    const value = sampleMade(agent, round * SAMPLES_PER_BODY + i, startMs);
    return { topic: SAMPLES_TOPIC, value };
  });
  const header = { v: WIRE_VERSION, server_id, boot_id, sent_at: Date.now() } as const;
  return encodeBatch({ header, records });
}

function readBodies(path: string): Buffer[] {
  const file = readFileSync(path);
  const bodies: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at);
    bodies.push(file.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return bodies;
}

interface SendOptions {
  readonly url: string;
  readonly inFlight: number;
  /** Offered load; as fast as acknowledged when undefined. */
  readonly samplesPerSecond: number | undefined;
}

async function send(path: string, options: SendOptions): Promise<LoadReport> {
  const bodies = readBodies(path);
  const agent = new http.Agent({ keepAlive: true, maxSockets: options.inFlight });
  const ackMs: number[] = [];
  let stored = 0;
  let next = 0;
  const startedMs = performance.now();
  const worker = async (): Promise<void> => {
    for (let i = next++; i < bodies.length; i = next++) {
      if (options.samplesPerSecond !== undefined) {
        const dueMs = startedMs + (i * SAMPLES_PER_BODY * 1_000) / options.samplesPerSecond;
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) await pause(waitMs);
      }
      const sentMs = performance.now();
      const acknowledged = await post(agent, options.url, bodies[i] ?? Buffer.alloc(0));
      stored += acknowledged;
      ackMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, worker));
  const elapsedMs = performance.now() - startedMs;
  agent.destroy();
  ackMs.sort((a, b) => a - b);
  return {
    samplesPerSecond: (bodies.length * SAMPLES_PER_BODY * 1_000) / elapsedMs,
    ackMsP50: ackMs[Math.floor(ackMs.length * 0.5)] ?? 0,
    ackMsP99: ackMs[Math.floor(ackMs.length * 0.99)] ?? 0,
    stored,
  };
}

function post(agent: http.Agent, url: string, body: Buffer): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const request = http.request(`${url}/v1/batches`, {
    agent,
    method: 'POST',
    headers: {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
      'content-length': body.length,
    },
  });
  request.on('error', reject);
  request.on('response', (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      text += part;
    });
    response.on('end', () => {
      if (response.statusCode === 200) resolve((JSON.parse(text) as { stored: number }).stored);
      else reject(new Error(`answered ${response.statusCode}: ${text}`));
    });
  });
  request.end(body);
  return promise;
}

if (import.meta.main) {
  const [verb, path = '', url = '', inFlight, samplesPerSecond] = process.argv.slice(2);
  if (verb === 'encode') encode(path);
  else {
    const report = await send(path, {
      url,
      inFlight: Number(inFlight),
      samplesPerSecond: samplesPerSecond === undefined ? undefined : Number(samplesPerSecond),
    });
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
}
