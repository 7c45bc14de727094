/**
 * What collectors tell each other of windows, through the topic `window-results`: how far those of
 * each server are closed, whoever made them, and the windows themselves.
 */
import type { Known } from '../../ingest/from-log.ts';
import type { Source } from '../../ingest/source.ts';
import type { Closed } from '../../windows/source.ts';
import type { ServerWindow } from '../../windows/window.ts';

/** A window that this collector made and has stored. */
export interface PublishedWindow {
  readonly source: Source;
  readonly window: ServerWindow;
  /** Its server's clock was off when it was made. */
  readonly skewed: boolean;
  /** How far its windows are closed once this one is published: nobody may hear yet of those behind it. */
  readonly closed: Closed;
}

export interface Results {
  /** As last published by anybody; `replayId` is '' for the live server. Undefined: never. */
  known(serverId: string, replayId: string): Known | undefined;
  /** Gives windows of our sources to be published, after their local commit, in the order in which they were made. */
  publish(windows: readonly PublishedWindow[]): void;
  /** Windows of this source lack samples, as `Known` has it: told before what lies before it is committed. */
  lacks(source: Source): void;
  /** These sources are another collector's now: it makes and publishes what waits here to be published. */
  release(sources: readonly Source[]): void;
  /** Resolves when fewer than `queueRecordsMax` wait: awaited before more is taken in. */
  room(signal: AbortSignal): Promise<void>;
  /** Resolves when all given so far are in the topic; waits while brokers are away. */
  published(signal: AbortSignal): Promise<void>;
  /** Resolves once all that was in the topic at the call has been read: before the first record of a new slot is taken. */
  caughtUp(signal: AbortSignal): Promise<void>;
  /**
   * Nothing is stored of the source any more: its entry goes.
   * @param isOurs its slot is, so from the topic it goes too
   */
  forget(source: Source, isOurs: boolean): void;
}
