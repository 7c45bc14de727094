import { expect, it } from 'vitest';
import { accountOf } from './account.ts';

it('an account has the number that Windows gives it', () => {
  // The owner of Windows' own files, the same on every machine.
  expect(accountOf('TrustedInstaller')).toEqual({
    name: 'NT SERVICE\\TrustedInstaller',
    sid: 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464',
  });
});
