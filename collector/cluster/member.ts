/** The name under which a collector is a member of its group: the same after each restart. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeFileDurably } from '../../runtime/durable-file.ts';
import { messageOf, systemCodeOf, WindrowError } from '../../runtime/errors.ts';

/** Characters of the host's name in it, for people. */
const hostCharsMax = 60;

/** The file that the name is in. @param folder where the collector keeps its state */
export function memberFile(folder: string): string {
  return join(folder, 'member');
}

/** @param folder where the collector keeps its state @throws WindrowError `store_unavailable` */
export function memberName(folder: string): string {
  const path = memberFile(folder);
  try {
    const known = readMember(path);
    if (known !== undefined) return known;
    const host = hostname()
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .slice(0, hostCharsMax);
    // Hosts may share a name; of two members of one name only one can work.
    const name = `${host}-${randomBytes(4).toString('hex')}`;
    writeFileDurably(path, `${name}\n`);
    return name;
  } catch (error) {
    throw new WindrowError('store_unavailable', `cannot use ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Check that the folder named by --data is writable and has room.',
    });
  }
}

function readMember(path: string): string | undefined {
  try {
    const name = readFileSync(path, 'utf8').trim();
    return /^[A-Za-z0-9._-]{1,100}$/.test(name) ? name : undefined;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
