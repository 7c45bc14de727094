import { Command } from 'commander';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { withSettings } from './flags.ts';

it('help says what a flag takes', () => {
  const setting = { schema: z.string(), fallback: undefined, about: 'x' };
  const keys = ['alerts', 'data', 'listen', 'log', 'port', 'reports', 'server_id', 'tls.key_file'];
  const spec = Object.fromEntries(keys.map((key) => [key, setting]));
  const help = withSettings(new Command('x'), spec, keys).helpInformation();
  expect([...help.matchAll(/--\S+ <\w+>/g)].map(([flag]) => flag)).toEqual([
    '--alerts <file>',
    '--data <dir>',
    '--listen <host>',
    '--log <level>',
    '--port <port>',
    '--reports <dir>',
    '--server-id <id>',
    '--tls-key-file <file>',
    '--config <file>',
  ]);
});
