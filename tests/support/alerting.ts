/** A collector that judges within seconds, and PCs that it judges. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SAMPLES_TOPIC } from '../../wire/records/record.ts';
import type { DirectClient } from '../../wire/transport/direct/client.ts';
import { WIRE_VERSION } from '../../wire/version.ts';
import { type RunningCollector, startCollector, tempDir } from './programs.ts';
import { clientOf, sendSamples } from './send.ts';

/** Windows of 2 s each second, so that a test needs seconds. */
export const SHORT_WINDOWS = {
  WINDROW_WINDOWS_LENGTH: '2s',
  WINDROW_WINDOWS_SLIDE: '1s',
  WINDROW_WINDOWS_LATENESS: '0s',
};

/** @returns the path of an alerts file with this text, which is removed at the end */
export function rulesFile(text: string): string {
  const folder = tempDir();
  onTestFinished(() => folder[Symbol.dispose]());
  const path = join(folder.path, 'alerts.yaml');
  writeFileSync(path, text);
  return path;
}

export interface RulesCollectorOptions {
  readonly dataDir?: string;
  readonly port?: number;
  readonly args?: readonly string[];
}

/** @param rules path of the alerts file */
export function startWithRules(
  rules: string,
  options: RulesCollectorOptions = {},
): Promise<RunningCollector> {
  return startCollector({ ...options, env: { ...SHORT_WINDOWS, WINDROW_ALERTS: rules } });
}

/** A PC that has sampled each second up to now, or to so long ago, with these values of the CPU. */
export class MadePc {
  readonly #client: DirectClient;
  readonly #name: string;
  #seq = 0;
  #ts: number;

  constructor(url: string, name: string, agoMs: number) {
    this.#client = clientOf(url);
    this.#name = name;
    this.#ts = wholeSecond(Date.now() - agoMs);
  }

  /** @param busiest the process that is on top by now, where one is told of */
  async send(cpu: number, seconds: number, busiest?: string): Promise<void> {
    const rows = [{ pid: 7, name: busiest, cpu_pct: cpu, mem_pct: 1 }];
    const processes = busiest === undefined ? undefined : { by_cpu: rows, by_mem: rows };
    const samples = Array.from({ length: seconds }, () => {
      this.#ts += 1_000;
      this.#seq += 1;
      return { server_id: this.#name, ts: this.#ts, seq: this.#seq, cpu_pct: cpu, processes };
    });
    await sendSamples(this.#client, samples);
  }

  /**
   * It has measured nothing until so long ago. For a test that did something else meanwhile: samples
   * that go on where the last ones ended would be of the past by then, and nothing is judged by those.
   */
  pausedUntil(agoMs: number): void {
    this.#ts = Math.max(this.#ts, wholeSecond(Date.now() - agoMs));
  }

  async goodbye(): Promise<void> {
    const about = { server_id: this.#name, boot_id: 'boot' };
    const value = { v: WIRE_VERSION, kind: 'goodbye', ...about, ts: this.#ts };
    const header = { v: WIRE_VERSION, sent_at: Date.now(), ...about } as const;
    const records = [{ topic: SAMPLES_TOPIC, value }];
    await this.#client.send({ header, records }, AbortSignal.timeout(20_000));
  }
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
