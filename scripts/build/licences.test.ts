import type { Metafile } from 'esbuild';
import { expect, it } from 'vitest';
import { packagesIn } from './licences.ts';

function outputOf(...inputs: string[]): Metafile['outputs'][string] {
  const about = { bytes: 1, imports: [], exports: [] };
  return {
    ...about,
    inputs: Object.fromEntries(inputs.map((path) => [path, { bytesInOutput: 1 }])),
  };
}

it('packages are told apart by where they are: scoped ones, and two versions of one', () => {
  const outputs = {
    'a.js': outputOf(
      'agent/main.ts',
      'node_modules/pino/pino.js',
      'node_modules/pino/lib/x.js',
      'node_modules/@a/b/index.js',
      'node_modules/pino-pretty/node_modules/sonic-boom/index.js',
    ),
    'b.js': outputOf('node_modules/sonic-boom/index.js'),
  };
  expect([...packagesIn({ outputs })]).toEqual([
    'node_modules/pino',
    'node_modules/@a/b',
    'node_modules/pino-pretty/node_modules/sonic-boom',
    'node_modules/sonic-boom',
  ]);
});
