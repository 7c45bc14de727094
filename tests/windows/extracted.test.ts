import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { wineMissing } from './support/install.ts';
import { Wine } from './support/wine.ts';

it.skipIf(wineMissing)(
  'two programs that make the same addon at the same moment both load it, and it is there once',
  async () => {
    await using wine = await Wine.start();
    mkdirSync(wine.driveC('at once'));
    const script = new URL('./support/extract-at-once.ts', import.meta.url);
    const both = await Promise.all(
      ['one', 'two'].map((name) => wine.script(script, 'C:\\at once', name)),
    );
    for (const { code, output } of both) expect([code, output]).toEqual([0, '[]']);
    const folders = readdirSync(wine.driveC('at once')).filter((name) => name.startsWith('round'));
    expect(folders).toHaveLength(40);
    const addon = readFileSync('native/winaddon.node');
    const name = `${createHash('sha256').update(addon).digest('hex')}.node`;
    for (const folder of folders) {
      expect(readdirSync(wine.driveC('at once', folder))).toEqual([name]);
      expect(readFileSync(wine.driveC('at once', folder, name)).equals(addon)).toBe(true);
    }
  },
);
