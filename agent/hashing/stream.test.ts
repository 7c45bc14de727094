import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ENGINES } from '../../native/sha256/engines.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { StreamHasher } from './stream.ts';

it('what is no name at all is an outcome too, and the next file is hashed', async () => {
  const streams = new StreamHasher(ENGINES.openssl.create());
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, '');
  const [none, file] = await Promise.all([streams.hash('a\0b'), streams.hash(path)]);
  expect(none).toEqual({ error: { errno: undefined, message: expect.any(String) } });
  expect(file).toEqual({ digest: expect.stringMatching(/^e3b0c442[0-9a-f]{56}$/) });
});
