/**
 * One of two programs that make and load the addon's file at the same moments, each time in a folder
 * where it is not yet. Prints what went wrong, in JSON. Run by Node for Windows.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../../../runtime/addon.ts';
import { messageOf } from '../../../runtime/errors.ts';
import { extractedTo } from '../../../runtime/extracted.ts';

const rounds = 40;
const roundMs = 50;
const programs = 2;
const meetMsMax = 60_000;
const [folder = '', own = ''] = process.argv.slice(2);
const bytes = readFileSync(new URL('../../../native/winaddon.node', import.meta.url));
const errors: string[] = [];
const beganMs = meetingMs();
for (let round = 0; round < rounds; round += 1) {
  while (Date.now() < beganMs + round * roundMs);
  try {
    using file = extractedTo(join(folder, `round-${round}`), bytes);
    loadAddon(file.path);
  } catch (error) {
    errors.push(`round ${round}: ${messageOf(error)}`);
  }
}
process.stdout.write(JSON.stringify(errors));

/** When both are there, and a little later. */
function meetingMs(): number {
  writeFileSync(join(folder, `there-${own}`), '');
  const endMs = Date.now() + meetMsMax;
  for (;;) {
    const there = readdirSync(folder).filter((name) => name.startsWith('there-'));
    if (there.length === programs) {
      return Math.max(...there.map((name) => statSync(join(folder, name)).mtimeMs)) + 10 * roundMs;
    }
    if (Date.now() > endMs) throw new Error('the other one did not come');
  }
}
