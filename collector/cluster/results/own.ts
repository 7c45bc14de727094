/**
 * What this collector has published and not read back yet. It comes back as it was written, so it is
 * known without being taken apart and checked again, which would cost more than all that made it.
 */
import {
  keyOfResult,
  type ResultKey,
  resultKeyText,
  type WindowResult,
} from '../../../wire/records/window-result.ts';
import { windowResultBytesMax } from '../../../wire/limits.ts';
import type { LogRecord } from '../../../wire/transport/log/port.ts';

/**
 * Records remembered: some that wait to be sent and all that are on their way, of 3 kB each; while a log
 * is read up a few commits are under way at once. What is forgotten is read like anybody's.
 */
const recordsMax = 10_000;

export interface OwnResult {
  readonly key: ResultKey;
  /** Without the figures, of which there are some forty. */
  readonly head: ResultHead;
  /** JSON of the whole. */
  readonly text: string;
}

export type ResultHead = Omit<WindowResult, 'metrics'>;

export class OwnResults {
  /** By the record's key: they come back in their order, and all of one key are few. */
  readonly #byKey = new Map<string, Set<OwnResult>>();
  /** The oldest first. */
  readonly #all = new Set<OwnResult>();
  /** Of the text that a record is compared with. */
  readonly #bytes = Buffer.allocUnsafe(windowResultBytesMax);

  /** @param text the value of the record that is published */
  note(text: string, result: WindowResult): void {
    const { metrics: _, ...head } = result;
    const own = { key: keyOfResult(result), head, text };
    const key = resultKeyText(own.key);
    const ofKey = this.#byKey.get(key);
    if (ofKey === undefined) this.#byKey.set(key, new Set([own]));
    else ofKey.add(own);
    this.#all.add(own);
    if (this.#all.size <= recordsMax) return;
    for (const oldest of this.#all) return this.#forget(oldest);
  }

  /** Undefined: it is not known to be ours. */
  take({ key, value }: Pick<LogRecord, 'key' | 'value'>): OwnResult | undefined {
    const ofKey = this.#byKey.get(key?.toString() ?? '');
    if (ofKey === undefined || value === undefined) return undefined;
    for (const own of ofKey) {
      if (!this.#isText(value, own.text)) continue;
      this.#forget(own);
      return own;
    }
    return undefined;
  }

  /** A text of what was read would be garbage at once. */
  #isText(value: Buffer, text: string): boolean {
    const { length } = value;
    if (length > this.#bytes.length || length !== Buffer.byteLength(text)) return false;
    this.#bytes.write(text);
    return value.compare(this.#bytes, 0, length) === 0;
  }

  #forget(own: OwnResult): void {
    const key = resultKeyText(own.key);
    const ofKey = this.#byKey.get(key);
    ofKey?.delete(own);
    if (ofKey?.size === 0) this.#byKey.delete(key);
    this.#all.delete(own);
  }
}
