/** The process of code-cache.ts. Arguments: a folder with the pieces by number, the flags, their names. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { lighten } from '../../agent/light.js';

const [folder = '', flags, ...names] = process.argv.slice(2);

if (flags === 'light') lighten();
for (const [i, name] of names.entries()) {
  const code = readFileSync(join(folder, String(i)), 'utf8');
  const script = new Script(code, { filename: `windrow:/${name}` });
  writeFileSync(join(folder, `${i}.cache`), script.createCachedData());
}
