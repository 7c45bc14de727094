import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { withSettingsIn } from './settings-file.ts';

describe('withSettingsIn', () => {
  it('a file of comments alone keeps them, above what is set', () => {
    const before = readFileSync(join(import.meta.dirname, '../../config/collector.yaml'), 'utf8');
    const after = withSettingsIn(before, { port: 7000, 'kafka.group': 'g' });
    expect(after).toBe(`${before.trimEnd()}\n\nport: 7000\nkafka:\n  group: g\n`);
  });

  it('a person’s own file keeps its comments, its order and what is not given', () => {
    const before = '# mine\nto: http://a:1 # the old one\ninterval: 2s\n';
    const after = withSettingsIn(before, { to: 'http://b:2', server_id: 'pc' });
    expect(after).toContain('# mine\n');
    expect(after).toContain('# the old one');
    expect(parse(after)).toEqual({ to: 'http://b:2', interval: '2s', server_id: 'pc' });
  });

  it('text of digits alone stays text', () => {
    expect(parse(withSettingsIn('', { server_id: '007' }))).toEqual({ server_id: '007' });
  });

  it('nothing to set is nothing to change', () => {
    for (const text of ['# only this\n', 'to: http://a:1\n']) {
      expect(withSettingsIn(text, {})).toBe(text);
    }
  });
});
