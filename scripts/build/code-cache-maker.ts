/** The process of code-cache.ts. Arguments: a folder with the pieces by number, the flags, their names. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { keepYoungSmall, lighten } from '../../agent/light.js';
import { useLittleMemory } from '../../collector/little-memory.ts';

/** As the programs change them while they start. */
const FLAGS: Readonly<Record<string, () => void>> = {
  'as-started': () => {},
  light: lighten,
  'young-small': keepYoungSmall,
  'little-memory': useLittleMemory,
};

const [folder = '', flags = '', ...names] = process.argv.slice(2);

const change = FLAGS[flags];
if (change === undefined) throw new Error(`no flags are called ${flags}`);
change();
for (const [i, name] of names.entries()) {
  const code = readFileSync(join(folder, String(i)), 'utf8');
  const script = new Script(code, { filename: `windrow:/${name}` });
  writeFileSync(join(folder, `${i}.cache`), script.createCachedData());
}
