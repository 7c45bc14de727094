/**
 * An outbox that is filled and emptied at a pace while nobody but strace looks. Its one argument is
 * a WriterPlan in JSON. It notes each record that the outbox has taken, and before they are
 * acknowledged those that are, and ends as if somebody had killed it.
 */
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DurableOutbox } from '../../../agent/outbox/durable.ts';
import { outboxPath } from '../../../agent/outbox/place.ts';
import { systemClock } from '../../../runtime/clock.ts';
import { createLogger } from '../../../runtime/logging.ts';
import { recordOf, tickMs } from './records.ts';

/** How many records are added, or how many are left when the others have been acknowledged, or a restart. */
export type Step =
  | { readonly do: 'add'; readonly records: number }
  | { readonly do: 'drain'; readonly left: number }
  | { readonly do: 'restart' };

export interface WriterPlan {
  readonly dataDir: string;
  /** Where it notes what it did. */
  readonly notes: string;
  /** Number of the first record. */
  readonly from: number;
  readonly steps: readonly Step[];
}

const bytesMax = 64 * 1024 * 1024;
const { dataDir, notes, from, steps } = JSON.parse(process.argv[2] ?? '') as WriterPlan;
mkdirSync(dirname(notes), { recursive: true });
const notesFd = openSync(notes, 'a');
const log = await createLogger('writer', 'info');
let number = from;
let outbox = open();
for (const step of steps) await carryOut(step);
process.kill(process.pid, 'SIGKILL');

function open(): DurableOutbox {
  const bootId = `boot-${number}`;
  return new DurableOutbox({
    path: outboxPath(dataDir),
    bytesMax,
    bootId,
    clock: systemClock,
    log,
  });
}

function note(what: string): void {
  writeSync(notesFd, `${what}\n`);
}

async function carryOut(step: Step): Promise<void> {
  if (step.do === 'add') await addAtAPace(step.records);
  else if (step.do === 'drain') drain(step.left);
  else {
    await outbox.close();
    outbox = open();
  }
}

async function addAtAPace(records: number): Promise<void> {
  const end = number + records;
  const { promise: added, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    outbox.add(recordOf(number));
    note(`added ${number}`);
    number += 1;
    if (number === end) resolve();
  }, tickMs);
  await added;
  clearInterval(timer);
}

/** Oldest first, as a backlog goes. */
function drain(left: number): void {
  while (outbox.size > left) {
    const lease = outbox.takeBacklog() ?? outbox.takeLive();
    if (lease === undefined) return;
    note(`acknowledged ${lease.records.map(({ seq }) => seq).join(' ')}`);
    outbox.acknowledge(lease);
  }
}
