/** A note of the running collector in its data folder, so that other commands find it. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurably } from '../runtime/durable-file.ts';
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

/** The collector that runs on this folder, or the last one that was killed. */
export function readRunning(dataDir: string): Running | undefined {
  try {
    return JSON.parse(readFileSync(path(dataDir), 'utf8')) as Running;
  } catch {
    return undefined;
  }
}
