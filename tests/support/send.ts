/** Sends made-up samples to a real collector through the real client. */
import { onTestFinished } from 'vitest';
import type { BatchAck, BatchHeader } from '../../wire/records/batch.ts';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import { DirectClient } from '../../wire/transport/direct/client.ts';
import { WIRE_VERSION } from '../../wire/version.ts';

export interface MadeSample {
  readonly server_id: string;
  readonly ts: number;
  readonly seq: number;
  readonly boot_id?: string;
  readonly cpu_pct?: number;
  readonly mem_pct?: number;
}

export function clientOf(url: string, token?: string): DirectClient {
  const client = new DirectClient({ url, token });
  onTestFinished(() => client.close());
  return client;
}

/** One batch of one server's samples, with what else its header says. */
export function sendSamples(
  client: DirectClient,
  samples: readonly MadeSample[],
  header: Partial<BatchHeader> = {},
): Promise<BatchAck> {
  const [first] = samples;
  const records = samples.map((sample) => ({
    topic: SAMPLES_TOPIC,
    value: { v: WIRE_VERSION, boot_id: 'boot', ...sample },
  }));
  const about = {
    v: WIRE_VERSION,
    sent_at: Date.now(),
    ...(first === undefined
      ? {}
      : { server_id: first.server_id, boot_id: first.boot_id ?? 'boot' }),
    ...header,
  } as const;
  return client.send({ header: about, records }, AbortSignal.timeout(20_000));
}

/** Steady samples, one a second, whose values are a fixed function of time. */
export function steadySamples(
  serverId: string,
  fromMs: number,
  count: number,
  firstSeq = 0,
): MadeSample[] {
  return Array.from({ length: count }, (_, i) => ({
    server_id: serverId,
    ts: fromMs + i * 1_000,
    seq: firstSeq + i,
    cpu_pct: ((firstSeq + i) * 7) % 100,
    mem_pct: 40 + ((firstSeq + i) % 10) / 3,
  }));
}
