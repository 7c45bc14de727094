/** Generates the numbers system's values: a random one each interval, each sent until it is taken. */
import { randomInt } from 'node:crypto';
import { WindrowError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import { encodeNumber, numberMax, numberMin, NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import type { Trouble } from '../../wire/transport/kafka/trouble.ts';
import type { LogProducer } from '../../wire/transport/log/port.ts';

export interface GenerateOptions {
  readonly producer: LogProducer;
  /** Makes the topic if it is not there. @throws WindrowError */
  readonly makeTopic: (signal: AbortSignal) => Promise<unknown>;
  /** This machine's, an IP address. */
  readonly address: string;
  readonly intervalMs: number;
  /** Ends after so many; goes on until the signal when undefined. */
  readonly count: number | undefined;
  /** Told what does not get through: while the log is away no number is generated. */
  readonly trouble: Trouble;
  readonly onSent: (value: string) => void;
}

/** @throws WindrowError what trying again does not mend */
export async function generate(options: GenerateOptions, signal: AbortSignal): Promise<void> {
  const { address, count = Infinity, intervalMs, onSent } = options;
  for (let sent = 0; sent < count && !signal.aborted; sent += 1) {
    const dueMs = performance.now() + intervalMs;
    const value = encodeNumber(address, randomInt(numberMin, numberMax + 1));
    if (await isTaken(value, options, signal)) onSent(value);
    if (sent + 1 < count) await pause(Math.max(0, dueMs - performance.now()), signal);
  }
}

/** False when the signal came first. */
async function isTaken(
  value: string,
  { producer, makeTopic, address, trouble }: GenerateOptions,
  signal: AbortSignal,
): Promise<boolean> {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      // It may be that somebody deleted it.
      if (tries > 0) await makeTopic(signal);
      await producer.send([{ topic: NUMBERS_TOPIC, key: address, value }], signal);
      trouble.over();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof WindrowError) || !error.retryable) throw error;
      await trouble.failed(error, signal);
    }
  }
  return false;
}
