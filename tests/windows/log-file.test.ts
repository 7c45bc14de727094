import { expect, it } from 'vitest';
import { wineMissing } from './support/install.ts';
import { Wine } from './support/wine.ts';

it.skipIf(wineMissing)(
  'a log that is open rotates: its newest lines are in bounded files',
  async () => {
    await using wine = await Wine.start();
    const { code, output } = await wine.script(new URL('./support/rotate-log.ts', import.meta.url));
    expect(code, output).toBe(0);
    const files = JSON.parse(output) as Record<string, string>;
    const names = ['agent.log', 'agent.log.1', 'agent.log.2', 'agent.log.3'];
    expect(Object.keys(files).toSorted()).toEqual(names);
    for (const text of Object.values(files)) expect(text.length).toBeLessThanOrEqual(110);
    const lines = names.toReversed().flatMap((name) => files[name]?.trim().split('\n').map(Number));
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, i) => 100 - lines.length + i));
    expect(lines.length).toBeGreaterThan(30);
  },
);
