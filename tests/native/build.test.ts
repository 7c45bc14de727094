import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createKernel } from '../../native/sha256/kernel.ts';
import { tempDir } from '../support/programs.ts';
import { missing } from '../support/tools.ts';

const root = new URL('../../', import.meta.url);

/** Other ones make other code of the same C. */
const clang = { program: 'clang', version: 'clang version 14.' };
const mingw = { program: 'x86_64-w64-mingw32-gcc', version: ' 12-' };

it.skipIf(missing('wasm-ld') || isOther(clang))(
  'sha256x4.wasm is what clang 14 makes of its C',
  () => expectRebuilt('sha256x4.wasm'),
);

it.skipIf(isOther(mingw))("winaddon.node is what mingw-w64's gcc 12 makes of its C", () =>
  expectRebuilt('winaddon.node'),
);

it('the kernel imports nothing, exports what kernel.ts says, and its memory cannot grow', async () => {
  const kernel = await createKernel();
  expect(Object.keys(kernel).sort()).toEqual([
    'compress1',
    'compress4',
    'lane_input',
    'lane_state',
    'lane_tail',
    'memory',
  ]);
  expect(() => kernel.memory.grow(1)).toThrow(RangeError);
});

function expectRebuilt(file: string): void {
  using folder = tempDir();
  const args = ['scripts/build-native.ts', file, '--out', folder.path];
  execFileSync(process.execPath, args, { cwd: root });
  const built = readFileSync(join(folder.path, file));
  const kept = readFileSync(new URL(`native/${file}`, root));
  expect(built.equals(kept), 'run `npm run build:native`').toBe(true);
}

/** Whether it is missing or of another version. In CI that is a failure, not a skip. */
function isOther({ program, version }: { program: string; version: string }): boolean {
  if (process.env['CI']) return false;
  if (missing(program)) return true;
  return !execFileSync(program, ['--version'], { encoding: 'utf8' }).includes(version);
}
