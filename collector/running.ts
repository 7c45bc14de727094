/** A note of the running collector in its data folder, so that other commands find it. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurably } from '../runtime/durable-file.ts';
import { systemCodeOf } from '../runtime/errors.ts';
import { collectorFolder } from './store/database.ts';

export interface Running {
  readonly pid: number;
  readonly url: string;
}

function path(dataDir: string): string {
  return join(collectorFolder(dataDir), 'running.json');
}

export function noteRunning(dataDir: string, running: Running): void {
  writeFileDurably(path(dataDir), `${JSON.stringify(running)}\n`);
}

export function forgetRunning(dataDir: string): void {
  rmSync(path(dataDir), { force: true });
}

/** The collector that runs on this folder; the note of one that was killed does not count. */
export function readRunning(dataDir: string): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(path(dataDir), 'utf8')) as Running;
    return isAlive(running.pid) ? running : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}
