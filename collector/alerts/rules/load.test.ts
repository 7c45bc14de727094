import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WindrowError } from '../../../runtime/errors.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { loadAlertsFile, parseAlerts } from './load.ts';

/** A good rule, with what the test wants otherwise. */
function ruleText(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const rule = {
    name: 'cpu-high',
    about: 'CPU is high.',
    when: 'cpu_pct.avg > 90',
    severity: 'warning',
    ...changes,
  };
  const lines = Object.entries(rule).filter(([, value]) => value !== undefined);
  return `{ ${lines.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
}

function fileText(...rules: string[]): string {
  return `rules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`;
}

function failureOf(load: () => unknown): WindrowError {
  try {
    load();
  } catch (error) {
    if (error instanceof WindrowError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

it('takes a rule with its defaults', () => {
  const text = `${fileText(ruleText())}notifiers:\n  ops: { type: command, command: [notify] }\n`;
  const { rules, groupWaitMs, silences } = parseAlerts(text, 'a.yaml');
  expect(rules).toMatchObject([
    {
      name: 'cpu-high',
      of: 'server',
      silentMs: undefined,
      forMs: 0,
      clearForMs: 0,
      severity: 'warning',
      labels: {},
      notify: ['ops'],
    },
  ]);
  expect(rules[0]?.condition?.when.text).toBe('cpu_pct.avg > 90');
  expect(rules[0]?.condition?.clear).toBeUndefined();
  expect([groupWaitMs, silences]).toEqual([500, []]);
});

it('that there are no rules must be said', () => {
  expect(parseAlerts('rules: []', 'a.yaml').rules).toEqual([]);
  expect(parseAlerts('notifiers: {}', 'a.yaml').rules).toEqual([]);
  for (const text of ['', '# nothing yet\n', '---\n']) {
    expect(failureOf(() => parseAlerts(text, 'a.yaml')).message).toMatch(/^a\.yaml: is empty; /);
  }
});

/** What is wrong in a rule, and what must be said: always the file, the rule, and the key. */
const WRONG_RULES: readonly (readonly [string, string, string | RegExp])[] = [
  ['a name in capitals', ruleText({ name: 'CPU' }), /rule CPU: name: must be 1 to 64 of/],
  ['no name', ruleText({ name: undefined }), /rule number 1: name: must be given/],
  ['no sentence', ruleText({ about: undefined }), /rule cpu-high: about: /],
  ['an unknown key', ruleText({ whem: 'x' }), /rule cpu-high: whem: is not known here/],
  ['no severity', ruleText({ severity: undefined }), /rule cpu-high: severity: /],
  ['a severity of its own', ruleText({ severity: 'fatal' }), /rule cpu-high: severity: .*critical/],
  ['neither when nor silent', ruleText({ when: undefined }), /rule cpu-high: when: must be given/],
  ['both when and silent', ruleText({ silent: '2m' }), /rule cpu-high: when: .*not both/],
  [
    'silent with for',
    ruleText({ when: undefined, silent: '2m', for: '1m' }),
    'rule cpu-high: for: has no meaning beside silent',
  ],
  [
    'silent with clear',
    ruleText({ when: undefined, silent: '2m', clear: 'samples > 0' }),
    'rule cpu-high: clear: has no meaning beside silent',
  ],
  [
    'a silent fleet',
    ruleText({ when: undefined, silent: '2m', of: 'fleet' }),
    'rule cpu-high: of: must be server beside silent',
  ],
  ['a duration without unit', ruleText({ for: '5' }), /rule cpu-high: for: must be a duration/],
  ['too long a duration', ruleText({ clear_for: '8d' }), 'rule cpu-high: clear_for: must be from'],
  ['an unknown subject', ruleText({ of: 'rack' }), /rule cpu-high: of: /],
  ['a wrong label', ruleText({ labels: '{1st: x}' }), /rule cpu-high: labels\.1st: /],
  [
    'a label that all have',
    ruleText({ labels: '{severity: x}' }),
    'rule cpu-high: labels: severity is a label that every alert has',
  ],
  ['too many labels', ruleText({ labels: `{${labels(17)}}` }), 'labels: are more than 16'],
  [
    'an unknown notifier',
    ruleText({ notify: '[ops]' }),
    'rule cpu-high: notify: there is no notifier ops',
  ],
  [
    'a wrong condition',
    ruleText({ when: 'cpu.avg > 90' }),
    'rule cpu-high: when: at column 1: Unknown variable: cpu',
  ],
  [
    'a wrong way back',
    ruleText({ clear: 'cpu_pct.mean < 90' }),
    'rule cpu-high: clear: at column 9: No such key: mean',
  ],
];

function labels(count: number): string {
  return Array.from({ length: count }, (_, i) => `l${i}: x`).join(', ');
}

describe('what is wrong in a rule is told with file, rule and key', () => {
  it.each(WRONG_RULES)('%s', (_, rule, expected) => {
    const { code, message } = failureOf(() => parseAlerts(fileText(rule), 'a.yaml'));
    expect(code).toBe('config');
    expect(message).toMatch(/^a\.yaml: /);
    expect(message).toMatch(expected);
    expect(message).not.toContain('\n');
  });
});

it.each([
  ['not YAML', 'rules:\n  [', /^a\.yaml line 2: [^\n]*[^:\n]$/],
  ['a list', '- x', 'a.yaml: the file: must hold keys and values'],
  ['an unknown key', 'rule: []', /^a\.yaml: rule: is not known here/],
  ['rules that are none', 'rules: 7', /^a\.yaml: rules: /],
  ['a rule twice', fileText(ruleText(), ruleText()), 'a.yaml: rule cpu-high: name: is there twice'],
  [
    'too many rules',
    fileText(...Array.from({ length: 201 }, () => ruleText())),
    /^a\.yaml: rules: /,
  ],
  ['a long wait', 'group_wait: 2s', /^a\.yaml: group_wait: must be from 0s to 1s/],
  ['a wrong notifier', 'notifiers: { ops: { type: pager } }', /^a\.yaml: notifiers\.ops/],
  [
    'a wrong silence',
    'silences: [{ about: x, daily: noon }]',
    /^a\.yaml: silence number 1: daily: /,
  ],
  [
    'a silence of no rule',
    `${fileText(ruleText())}silences: [{ about: x, rules: [cpu-*, cpu] }]`,
    'a.yaml: silence number 1: rules: there is no rule cpu',
  ],
  [
    'a command of nothing',
    'notifiers: { ops: { type: command, command: [] } }',
    'notifiers.ops.command: must have a length of at least 1',
  ],
  ['an alias', 'rules: &a [*a]', /^a\.yaml: aliases are not taken/],
])('a file with %s is refused', (_, text, expected) => {
  expect(failureOf(() => parseAlerts(text, 'a.yaml')).message).toMatch(expected);
});

it('a file that cannot be read, or is too large, is refused by name', () => {
  const folder = temporaryFolder();
  const missing = join(folder, 'missing.yaml');
  const unread = failureOf(() => loadAlertsFile(missing, '--rules'));
  expect(unread.message).toBe(`--rules: cannot read ${missing}: there is no such file`);
  const large = join(folder, 'large.yaml');
  writeFileSync(large, `#${'x'.repeat(256 * 1024)}`);
  expect(failureOf(() => loadAlertsFile(large)).message).toBe(`${large}: is larger than 256 KiB`);
  mkdirSync(join(folder, 'folder'));
  for (const path of [join(folder, 'folder'), '/dev/zero']) {
    expect(failureOf(() => loadAlertsFile(path)).message).toBe(`${path}: is not a file`);
  }
});
