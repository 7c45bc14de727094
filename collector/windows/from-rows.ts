/** Windows of a file's rows: replayed sources that all align to the file's earliest event. */
import { type Added, type EngineOptions, WindowEngine } from './engine.ts';
import type { ServerWindow } from './window.ts';

export interface Row {
  readonly serverId: string;
  readonly tsMs: number;
  /** One value a metric, NaN where it is absent. */
  readonly values: ArrayLike<number>;
}

export interface RowWindowsOptions extends EngineOptions {
  readonly originMs: number;
}

export class RowWindows {
  readonly #engine: WindowEngine;
  readonly #originMs: number;
  readonly #sources = new Map<string, number>();
  readonly #serverIds: string[] = [];

  /** `emit` gets final windows only, each server's by start. */
  constructor(options: RowWindowsOptions, emit: (serverId: string, window: ServerWindow) => void) {
    this.#originMs = options.originMs;
    this.#engine = new WindowEngine(options, (window) => {
      emit(this.#serverIds[window.source]!, window);
    });
  }

  /** Takes one row, in the file's order. */
  push(row: Row): Added {
    const source = this.#sources.get(row.serverId) ?? this.#open(row.serverId);
    const added = this.#engine.add(source, row.tsMs, row.values);
    this.#engine.advance(source);
    return added;
  }

  /** The file is read whole: emits the windows still open. */
  end(): void {
    for (const source of this.#sources.values()) this.#engine.finish(source);
  }

  #open(serverId: string): number {
    const source = this.#serverIds.push(serverId) - 1;
    this.#sources.set(serverId, source);
    this.#engine.open(source, { originMs: this.#originMs, replayed: true });
    return source;
  }
}
