/**
 * Facts about the machine that rarely change, read by a child process of our own.
 *
 * A child, because `systeminformation` starts dozens of commands, and it and zod cost tens of MB:
 * none of that stays in the agent, and what hangs is left behind with the child.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf, WindrowError } from '../../runtime/errors.ts';
import { type OwnCommand, ownCommand } from '../../runtime/program.ts';
import type { InventoryFacts } from '../../wire/records/inventory.ts';

const timeoutMsDefault = 30_000;
/** An inventory at the limits of the wire (256 disks, 256 interfaces) has about 100 kB. */
const answerBytesMax = 256 * 1024;
const complaintCharsMax = 500;

export interface InventoryOptions {
  readonly signal: AbortSignal;
  /** What runs as the child; inventory-child.ts when not given. */
  readonly command?: OwnCommand;
  readonly timeoutMs?: number;
}

/**
 * Reads the inventory. What the machine does not tell is ''.
 * Rejects with WindrowError: `aborted`, or `input` when the child fails, answers something else,
 * answers more than 256 KiB or takes longer than the time-out. The child is ended in every case.
 */
export async function readInventory(options: InventoryOptions): Promise<InventoryFacts> {
  const { signal, timeoutMs = timeoutMsDefault } = options;
  if (signal.aborted) throw aborted(signal);
  const own = ownCommand(new URL('./inventory-child.ts', import.meta.url));
  const { file, args } = options.command ?? own;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stopped = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    stopped.reject(failed(`took longer than ${timeoutMs} ms`));
  }, timeoutMs);
  const onAbort = () => stopped.reject(aborted(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return factsOf(await Promise.race([answerOf(child), stopped.promise]));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    child.kill('SIGKILL');
  }
}

/** All that the child wrote, once it has ended well. */
async function answerOf(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw failed('has no output');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const parts: Buffer[] = [];
  let answerBytes = 0;
  let complaint = '';
  stdout.on('data', (part: Buffer) => {
    answerBytes += part.length;
    if (answerBytes > answerBytesMax) reject(failed(`answered more than ${answerBytesMax} bytes`));
    else parts.push(part);
  });
  stderr.on('data', (part: Buffer) => {
    complaint = `${complaint}${part.toString()}`.slice(0, complaintCharsMax);
  });
  child.on('error', (error) => reject(failed(`did not start: ${messageOf(error)}`, error)));
  child.on('close', (exitCode, signalName) => {
    if (exitCode === 0) resolve(Buffer.concat(parts).toString());
    else reject(failed(`ended with ${exitCode ?? signalName}: ${complaint.trim()}`));
  });
  return promise;
}

/** The child has checked what it wrote against the schema; this tells it from something else. */
function factsOf(answer: string): InventoryFacts {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch (error) {
    throw failed('answered something that is not JSON', error);
  }
  if (!isFacts(parsed)) throw failed('answered something that is not an inventory');
  return parsed;
}

function isFacts(value: unknown): value is InventoryFacts {
  return typeof value === 'object' && value !== null && 'hostname' in value && 'disks' in value;
}

function aborted(signal: AbortSignal): WindrowError {
  return new WindrowError('aborted', 'reading the inventory was stopped', { cause: signal.reason });
}

function failed(what: string, cause?: unknown): WindrowError {
  return new WindrowError('input', `the process that reads the inventory ${what}`, {
    hint: 'Metrics are not affected; the inventory is read again within the hour.',
    retryable: true,
    cause,
  });
}
