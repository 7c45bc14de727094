/** A network of our own: two ends of one wire. Making it needs root; CI has it. */
import { spawnSync } from 'node:child_process';
import { missing, pathOf } from '../support/tools.ts';

/**
 * Broadcasts to this go out on the wire and nowhere else: it is one of four addresses, fewer than
 * any other route has, in the range that RFC 2544 keeps for measuring.
 */
export const BROADCAST = '198.18.77.3';
const address = '198.18.77.1/30';

export interface Wire extends Disposable {
  /** The interface on which a broadcast goes out. */
  readonly name: string;
}

export function makeWire(): Wire {
  const name = `wr${process.pid}a`;
  ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `wr${process.pid}b`);
  const remove = (): void => ip('link', 'del', name);
  try {
    ip('link', 'set', `wr${process.pid}b`, 'up');
    ip('address', 'add', address, 'broadcast', BROADCAST, 'dev', name);
    ip('link', 'set', name, 'up');
  } catch (error) {
    remove();
    throw error;
  }
  return { name, [Symbol.dispose]: remove };
}

/** Whether this user may make one; in CI the tests must run, so there a refusal is their failure. */
export function mayMakeWire(): boolean {
  if (process.env['CI']) return true;
  if (missing('ip')) return false;
  try {
    makeWire()[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(pathOf('ip') ?? 'ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
}
