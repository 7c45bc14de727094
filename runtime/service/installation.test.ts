import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { duration, whole } from '../config/units.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { checkedInstallation, type Installation } from './installation.ts';
import { withSettingsIn } from './settings-file.ts';

const spec = {
  server_id: { schema: z.string(), fallback: 'pc', about: 'Name.' },
  port: { schema: whole(0, 65_535), fallback: 7861, about: 'Port.' },
  interval: { schema: duration('1s', '60s'), fallback: '1s', about: 'How often.' },
  data: { schema: z.string().min(1), fallback: './data', about: 'Folder.' },
};

/** @param file text of the settings' file; undefined: it is not there */
function scene(file?: string) {
  const folder = temporaryFolder();
  const places = { settings: join(folder, 'agent.yaml'), token: join(folder, 'token') };
  if (file !== undefined) writeFileSync(places.settings, file);
  const installable = { program: 'agent', spec, flags: [], check: () => {}, defaults: '' };
  return (
    given: Readonly<Record<string, string>>,
    unlessNamed: Readonly<Record<string, string>> = {},
  ): Installation => checkedInstallation(installable, places, given, unlessNamed);
}

it.each(['42', '007'])('a name of digits is written as what it is: %s', (name) => {
  const { settings } = scene()({ server_id: name, port: '7000', interval: '2s' });
  expect(settings).toEqual({ server_id: name, port: 7000, interval: '2s' });
  const written = withSettingsIn('', settings);
  // What was written is what the next one takes.
  expect(scene(written)({}).settings).toEqual({});
  expect(parse(written)).toEqual(settings);
});

it('what the settings’ file says itself is not set over, what it leaves out is', () => {
  const places = { data: '/place' };
  expect(scene('data: /mine\n')({}, places).settings).toEqual({});
  expect(scene('interval: 2s\n')({}, places).settings).toEqual(places);
  expect(scene('data:\n')({}, places).settings).toEqual(places);
  expect(scene()({}, places).settings).toEqual(places);
});
