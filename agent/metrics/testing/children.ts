/** Child processes for tests, ended by their own handle when the test ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

export interface Child {
  readonly pid: number;
  /** Ends it and waits until it is gone. */
  end(): Promise<void>;
}

export function startSleeper(): Promise<Child> {
  return startCommand('sleep', ['60']);
}

/** A Node process that keeps one core busy, or does what `script` says. */
export function startNode(script: string): Promise<Child> {
  return startCommand(process.execPath, ['-e', script]);
}

export async function startCommand(command: string, commandArguments: string[]): Promise<Child> {
  const child: ChildProcess = spawn(command, commandArguments, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const end = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(end);
  await once(child, 'spawn');
  if (child.pid === undefined) throw new Error(`${command} has no pid`);
  return { pid: child.pid, end };
}
