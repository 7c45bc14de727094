import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { installationIn } from './command.ts';
import { folderAt } from './places.ts';

it('its data is in its folder, unless a person has named another', () => {
  const spec = { data: { schema: z.string(), fallback: './data', about: 'Folder.' } };
  const installable = { program: 'agent', spec, flags: [], check: () => {}, defaults: '' };
  // A file of Linux whose name has backslashes is a file as well.
  const folder = folderAt(temporaryFolder(), 'agent');
  expect(installationIn(folder, installable, {}).settings).toEqual({ data: folder.data });
});
