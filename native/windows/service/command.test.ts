import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { installationIn } from './command.ts';

it('its data is in its folder, unless a person has named another', () => {
  const spec = { data: { schema: z.string(), fallback: './data', about: 'Folder.' } };
  const installable = { program: 'agent', spec, flags: [], check: () => {}, defaults: '' };
  const path = temporaryFolder();
  const inside = (name: string): string => join(path, name);
  const folder = {
    path,
    settings: inside('agent.yaml'),
    token: inside('token'),
    data: inside('data'),
    code: inside('code'),
    log: inside('agent.log'),
  };
  expect(installationIn(folder, installable, {}).settings).toEqual({ data: folder.data });
  writeFileSync(folder.settings, 'data: D:\\outbox\n');
  expect(installationIn(folder, installable, {}).settings).toEqual({});
});
