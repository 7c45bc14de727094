/** Writes lines into a log of small files, and prints each file's content, in JSON. Run by Node for Windows. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFile } from '../../../runtime/log-file.ts';

const fileBytesMax = 100;
const folder = mkdtempSync(join(tmpdir(), 'Prötokoll '));
const log = new LogFile(join(folder, 'agent.log'), fileBytesMax);
for (let n = 0; n < 100; n += 1) log.write(`${String(n).padStart(9, '0')}\n`);
log.close();
const texts = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
process.stdout.write(JSON.stringify(Object.fromEntries(texts)));
