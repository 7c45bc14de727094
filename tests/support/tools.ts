/** Programs that are not ours and that some tests need. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether one of these programs is missing, so that the tests which need it are to be skipped. Never
 * in CI: there such a test runs and fails.
 */
export function missing(...programs: readonly string[]): boolean {
  if (process.env['CI']) return false;
  return programs.some((program) => pathOf(program) === undefined);
}

/** Where a program is; the folders of daemons are not in everybody's PATH. */
export function pathOf(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find(mayRun);
}

function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
