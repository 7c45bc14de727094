/** The same sources give the same bytes, wherever they lie and whenever they are built. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bundle } from '../../scripts/build/bundle.ts';
import { codeCachesOf } from '../../scripts/build/code-cache.ts';
import { nodeForLinux } from '../../scripts/build/node-binary.ts';
import { LINUX, PROGRAMS } from '../../scripts/build/targets.ts';
import { writeProgram } from '../../scripts/build/write-program.ts';
import { tempDir } from '../support/programs.ts';
import { BUILD_CACHE, copySources, ROOT } from './support/sources.ts';

it.each(PROGRAMS)(
  '$name for Linux, built in another folder, is the one of SHA256SUMS',
  async (program) => {
    using folder = tempDir();
    const root = join(folder.path, 'another/folder');
    copySources(root);
    const made = await bundle(root, program);
    const parts = { node: await nodeForLinux(), caches: await codeCachesOf(made) };
    const place = { root, cache: BUILD_CACHE, out: folder.path };
    const file = await writeProgram(made, LINUX, parts, place);
    const hash = createHash('sha256').update(readFileSync(join(folder.path, file)));
    const sums = readFileSync(join(ROOT, 'dist/SHA256SUMS'), 'utf8').split('\n');
    // dist/ of other sources is none of these: `npm run build` before.
    expect(sums).toContain(`${hash.digest('hex')}  ${file}`);
  },
  240_000,
);
