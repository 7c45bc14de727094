/** A sender on files of the test's own, and what became of them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createManualClock } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { blockBytesMin } from '../../../wire/limits.ts';
import type { BlockCarrier } from '../../../wire/transport/block-port.ts';
import type { SendEvent } from '../events.ts';
import { openJournal } from '../journal.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { scan } from '../scan.ts';
import { Sender } from '../sender.ts';
import type { MemoryReceiver } from './memory-receiver.ts';

export interface Rig {
  readonly folder: string;
  readonly events: SendEvent[];
  /** Called with each event; a test may change the world there. */
  onEvent: (event: SendEvent) => void;
  readonly clock: ReturnType<typeof createManualClock>;
  send(
    carrier: BlockCarrier,
    options?: {
      readonly signal?: AbortSignal;
      readonly blockBytes?: number;
      /** The folder when not given. */
      readonly paths?: readonly string[];
    },
  ): Promise<void>;
}

/** Files in a folder, and a journal that outlives each sending. */
export function senderRig(pipeline: Pipeline, files: Readonly<Record<string, Uint8Array>>): Rig {
  const folder = temporaryFolder();
  const clock = createManualClock();
  const path = join(temporaryFolder(), 'transfers.db');
  const journal = openJournal({ path, clock, onDamage: () => {} });
  onTestFinished(() => journal.close());
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  const rig: Rig = {
    folder,
    events: [],
    onEvent: () => {},
    clock,
    send(carrier, options = {}) {
      const { blockBytes = blockBytesMin, paths = [folder] } = options;
      const { signal = new AbortController().signal } = options;
      const sender = new Sender({
        carrier,
        journal,
        reader: pipeline,
        clock,
        random: () => 0,
        sender: 'pc',
        blockBytes,
        tell(event) {
          rig.events.push(event);
          rig.onEvent(event);
        },
      });
      return sender.run(scan(paths, []), signal);
    },
  };
  return rig;
}

/** What was told of this kind, as `file` or `file block`. */
export function told({ events, folder }: Rig, kind: SendEvent['kind']): string[] {
  return events
    .filter((event) => event.kind === kind)
    .map((event) => {
      if ('path' in event) return `${event.path.slice(folder.length + 1)}: ${event.reason}`;
      const name = 'transfer' in event ? basename(event.transfer.file.path) : '';
      return 'block' in event ? `${name} ${event.block}` : name;
    });
}

/** The file as its blocks make it. */
export function received({ stored }: MemoryReceiver, path: string): Buffer {
  const blocks = [...stored].filter(([key]) => key.startsWith(`${path}/`));
  const number = (key: string): number => Number(key.slice(path.length + 1));
  return Buffer.concat(blocks.sort(([a], [b]) => number(a) - number(b)).map(([, bytes]) => bytes));
}

export function expectWhole(rig: Rig, receiver: MemoryReceiver, name: string): void {
  const bytes = received(receiver, `${basename(rig.folder)}/${name}`);
  expect(bytes.equals(readFileSync(join(rig.folder, name)))).toBe(true);
}
