import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unitOf } from './unit.ts';

const folder = join(import.meta.dirname, '../../config/systemd');

function unit(name: string, credentials: readonly string[] = []): string {
  const template = readFileSync(join(folder, `${name}.service`), 'utf8');
  return unitOf(template, { name, executable: `/usr/local/bin/${name}`, credentials });
}

describe('unitOf', () => {
  it.each(['windrow-agent', 'windrow-collector'])(
    '%s: nothing of the clone is left, and nothing of the hardening is lost',
    (name) => {
      const template = readFileSync(join(folder, `${name}.service`), 'utf8');
      const text = unit(name);
      expect(text).not.toMatch(/clone|\/opt|\.bin/);
      expect(text).toMatch(new RegExp(`^ExecStart=/usr/local/bin/${name} `, 'm'));
      const settings = (unit: string): string[] =>
        unit.split('\n').filter((line) => /^\w/.test(line) && !line.startsWith('ExecStart'));
      expect(settings(text)).toEqual(settings(template));
    },
  );

  it('a credential is loaded when there is one', () => {
    const load = 'LoadCredential=token:/etc/windrow/agent.token';
    expect(unit('windrow-agent')).toContain(`\n#${load}\n`);
    expect(unit('windrow-agent', ['token'])).toContain(`\n${load}\n`);
    expect(unit('windrow-collector', ['token'])).not.toContain('\nLoadCredential');
  });

  it('a unit that has more of the clone than is known is not installed half', () => {
    const strange = 'ExecStart=/opt/windrow/bin/other\n';
    const options = { name: 'x', executable: '/x', credentials: [] };
    expect(() => unitOf(strange, options)).toThrow('/opt/windrow');
  });
});
