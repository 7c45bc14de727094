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
import type { LogRecord } from '../../../wire/transport/log/port.ts';

/** Records remembered: some that wait to be sent and all that are on their way, of 3 kB each. What is forgotten is read like anybody's. */
const recordsMax = 5_000;

export interface OwnResult {
  readonly key: ResultKey;
  readonly result: WindowResult;
  /** JSON of it. */
  readonly text: string;
}

export class OwnResults {
  readonly #byText = new Map<string, WindowResult>();

  /** @param text the value of the record that is published */
  note(text: string, result: WindowResult): void {
    this.#byText.set(text, result);
    if (this.#byText.size <= recordsMax) return;
    for (const oldest of this.#byText.keys()) {
      this.#byText.delete(oldest);
      return;
    }
  }

  /** Undefined: it is not known to be ours. */
  take({ key, value }: Pick<LogRecord, 'key' | 'value'>): OwnResult | undefined {
    const text = value?.toString() ?? '';
    const result = this.#byText.get(text);
    if (result === undefined) return undefined;
    const own = keyOfResult(result);
    if (key?.toString() !== resultKeyText(own)) return undefined;
    this.#byText.delete(text);
    return { key: own, result, text };
  }
}
