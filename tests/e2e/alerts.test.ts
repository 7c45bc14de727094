/** Rules, from a sample's arrival to the page, against a real collector with short windows. */
import { DatabaseSync } from 'node:sqlite';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { AlertsView, AlertSummary, AlertView } from '../../collector/api/contract.ts';
import { MadePc, rulesFile, SHORT_WINDOWS, startWithRules } from '../support/alerting.ts';
import { eventually, getJson } from '../support/http.ts';
import { run, tempDir } from '../support/programs.ts';
import { clientOf, sendSamples } from '../support/send.ts';

/** Where silence is not what a test is about: on a slow machine its PCs may fall silent before its end. */
const BUSY = `
rules:
  - name: busy
    about: The CPU is busy.
    when: cpu_pct.avg > 90
    clear: cpu_pct.avg < 50
    for: 2s
    clear_for: 2s
    severity: warning
`;
const RULES = `${BUSY}
  - { name: gone, about: Nothing is heard., silent: 10s, severity: critical }
`;
/** Who was not heard since a standstill is silent after 75 s, and silence is looked for each 10 s. */
const deafMsMax = 120_000;

function alertsOf({ url }: { readonly url: string }): Promise<AlertsView> {
  return getJson<AlertsView>(`${url}/api/alerts`);
}

function named(alerts: readonly AlertSummary[]): string[] {
  return alerts.map(({ state, rule, server }) => `${state} ${rule} ${server}`);
}

/** Transitions in the store, as `kind rule server`. */
function storedIn(dataDir: string): string[] {
  const db = new DatabaseSync(join(dataDir, 'collector', 'windrow.db'), { readOnly: true });
  try {
    return db
      .prepare('SELECT kind, rule, server FROM alert_transitions ORDER BY no')
      .all()
      .map(({ kind, rule, server }) => `${String(kind)} ${String(rule)} ${String(server)}`);
  } finally {
    db.close();
  }
}

/** Resolves when the event stream is open: what happened before is not in it. */
function eventsOf(url: string): Promise<Response> {
  return fetch(`${url}/api/events`, { signal: AbortSignal.timeout(45_000) });
}

/** Reads the event stream until this kind of event has come. @returns its data */
async function nextEvent<T>(response: Response, name: string): Promise<T> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const found = new RegExp(`event: ${name}\ndata: (.*)\n\n`).exec(text)?.[1];
    if (found !== undefined) return JSON.parse(found) as T;
  }
  throw new Error(`the stream ended without ${name}`);
}

it('a breach fires, is shown and explained, and is resolved', async () => {
  await using collector = await startWithRules(rulesFile(BUSY));
  const pc = new MadePc(collector.url, 'pc-1', 28_000);
  await pc.send(20, 5);
  const events = await eventsOf(collector.url);
  await pc.send(97, 8, 'ffmpeg');
  expect(await nextEvent<AlertSummary[]>(events, 'alerts')).toMatchObject([
    { rule: 'busy', server: 'pc-1', state: 'firing' },
  ]);

  const { active } = await alertsOf(collector);
  expect(active).toMatchObject([
    { rule: 'busy', server: 'pc-1', server_no: 1, state: 'firing', severity: 'warning' },
  ]);
  expect(active[0]?.reason).toBe('cpu_pct.avg 97 for 2s');
  const processes = 'ffmpeg (97 % of a core)';
  expect(active[0]?.processes).toBe(processes);
  await pc.send(20, 6);
  const { past } = await alertsOf(collector);
  expect(past).toMatchObject([{ id: active[0]?.id, state: 'resolved', processes }]);

  const why = await getJson<AlertView>(`${collector.url}/api/alerts/${past[0]?.id}`);
  expect(why.alert.processes).toBe(processes);
  expect(why.rule).toMatchObject({ when: 'cpu_pct.avg > 90', for: '2s', silent: null });
  expect(why.transitions.map(({ kind }) => kind)).toEqual(['pending', 'firing', 'resolved']);
  const verdicts = why.windows.map(({ verdict, values }) => [verdict, values['cpu_pct.avg']]);
  expect(verdicts).toContainEqual(['breach', 97]);
  expect(verdicts).toContainEqual(['clear', 20]);
  // Half of it before the breach, half in it.
  expect(verdicts).toContainEqual(['between', 58.5]);
  const { status } = await fetch(`${collector.url}/api/alerts/unknown`);
  expect(status).toBe(404);

  const metrics = await (await fetch(`${collector.url}/metrics`)).text();
  expect(metrics).toContain('windrow_alerts{rule="busy",state="firing"} 0');
  expect(metrics).toContain('windrow_alert_transitions_total{rule="busy",kind="firing"} 1');

  const csv = await run('collector', ['export', 'alerts', '--data', collector.dataDir]);
  const rows = csv.stdout.trimEnd().split('\n');
  expect(rows.slice(1).map((row) => row.split(',').slice(1, 4).join(' '))).toEqual([
    'pending busy pc-1',
    'firing busy pc-1',
    'resolved busy pc-1',
  ]);
  expect(rows[2]).toContain(processes);
});

it('one server’s alerts are had alone', async () => {
  await using collector = await startWithRules(rulesFile(BUSY));
  for (const name of ['pc-1', 'pc-2']) {
    const pc = new MadePc(collector.url, name, 28_000);
    await pc.send(97, 8);
    await pc.send(20, 6);
    await pc.send(97, 7);
  }
  const { past, active, active_count } = await getJson<AlertsView>(
    `${collector.url}/api/alerts?server=2`,
  );
  expect(named([...active, ...past])).toEqual(['firing busy pc-2', 'resolved busy pc-2']);
  expect(active_count).toBe(1);
  const unknown = await fetch(`${collector.url}/api/alerts?server=3`);
  expect([unknown.status, await unknown.json()]).toEqual([404, { error: 'no such server' }]);
});

it('a server that is taken out while no collector runs leaves no alert behind', async () => {
  using data = tempDir();
  const told = join(data.path, 'told');
  const rules = rulesFile(`${BUSY}
notifiers: { own: { type: command, command: [sh, -c, 'echo $WINDROW_ALERT_STATUS >>"$0"', ${told}] } }
`);
  const toldText = () => (existsSync(told) ? readFileSync(told, 'utf8') : '');
  const first = await startWithRules(rules, { dataDir: data.path });
  await new MadePc(first.url, 'pc-1', 28_000).send(97, 10);
  await eventually(async () => expect(toldText()).toBe('firing\n'));
  await first.stop();
  const removed = await run('collector', ['server', 'rm', 'pc-1', '--data', data.path]);
  expect(removed.code).toBe(0);

  await using second = await startWithRules(rules, { dataDir: data.path });
  await eventually(async () => {
    expect((await alertsOf(second)).past).toMatchObject([
      { server: 'pc-1', state: 'resolved', reason: 'decommissioned' },
    ]);
    expect(toldText()).toBe('firing\nresolved\n');
  });
  expect((await alertsOf(second)).active).toEqual([]);
});

it('a room that is switched off in the evening raises nothing; one that is cut off does', async () => {
  await using collector = await startWithRules(rulesFile(RULES));
  const room = Array.from({ length: 20 }, (_, i) => new MadePc(collector.url, `pc-${i}`, 12_000));
  const cut = new MadePc(collector.url, 'cut-off', 12_000);
  await Promise.all([...room, cut].map((pc) => pc.send(20, 10)));
  // On its way down a PC is busy; pc-0 was so before.
  await room[0]?.send(99, 2);
  await Promise.all(room.slice(1).map((pc) => pc.send(99, 1)));
  await Promise.all(room.map((pc) => pc.goodbye()));
  await eventually(async () => {
    expect(named((await alertsOf(collector)).active)).toEqual(['firing gone cut-off']);
    const raised = storedIn(collector.dataDir).filter((step) => /^(firing|resolved)/.test(step));
    expect(raised).toEqual(['firing gone cut-off']);
  }, 40_000);
  await eventually(async () => {
    // Again and again: silence is looked for in steps that are as long as the rule's own time.
    await cut.send(20, 1);
    expect(named((await alertsOf(collector)).past)).toEqual(['resolved gone cut-off']);
  });
});

it('a collector that cannot store is deaf, and calls nobody silent for that', async () => {
  await using collector = await startWithRules(rulesFile(RULES));
  const [pc, cut] = ['pc-1', 'cut-off'].map((name) => new MadePc(collector.url, name, 60_000));
  await Promise.all([pc?.send(20, 10), cut?.send(20, 10)]);
  const db = new DatabaseSync(join(collector.dataDir, 'collector', 'windrow.db'), {
    // It may write at this moment.
    timeout: 5_000,
  });
  db.exec('BEGIN IMMEDIATE');
  const lockedMs = performance.now();
  await eventually(async () => {
    await expect(pc?.send(20, 1)).rejects.toThrow(/cannot store/);
    // Twice what the rule waits.
    expect(performance.now() - lockedMs).toBeGreaterThan(20_000);
  }, 60_000);
  db.exec('ROLLBACK');
  db.close();
  await eventually(async () => {
    await pc?.send(20, 1);
    expect(storedIn(collector.dataDir)).toEqual(['firing gone cut-off']);
  }, deafMsMax);
}, 240_000);

it('a backlog raises nothing, nor does it end what is', async () => {
  await using collector = await startWithRules(rulesFile(BUSY));
  const now = new MadePc(collector.url, 'pc-1', 20_000);
  await now.send(97, 10);
  const before = named((await alertsOf(collector)).active);
  expect(before).toEqual(['firing busy pc-1']);
  const old = new MadePc(collector.url, 'pc-2', 3_600_000);
  await old.send(97, 60);
  expect(named((await alertsOf(collector)).active)).toEqual(before);
  const windows = await run('collector', ['export', 'windows', '--data', collector.dataDir]);
  expect(windows.stdout).toContain('pc-2');
});

it('an alert outlives a kill of the collector, and ends as the same', async () => {
  using data = tempDir();
  const rules = rulesFile(BUSY);
  const first = await startWithRules(rules, { dataDir: data.path });
  await new MadePc(first.url, 'pc-1', 28_000).send(97, 10);
  const [before] = (await alertsOf(first)).active;
  expect(before?.state).toBe('firing');
  await first.kill();

  await using second = await startWithRules(rules, { dataDir: data.path });
  expect((await alertsOf(second)).active).toEqual([before]);
  // Another boot of the same PC.
  const client = clientOf(second.url);
  const fromMs = Date.now() - 8_000;
  const samples = Array.from({ length: 8 }, (_, seq) => ({
    server_id: 'pc-1',
    boot_id: 'second',
    ts: fromMs + seq * 1_000,
    seq,
    cpu_pct: 10,
  }));
  await sendSamples(client, samples);
  const { past } = await alertsOf(second);
  expect(past).toMatchObject([{ id: before?.id, fired_at: before?.fired_at, state: 'resolved' }]);
  expect(storedIn(data.path)).toEqual([
    'pending busy pc-1',
    'firing busy pc-1',
    'resolved busy pc-1',
  ]);
});

it('SIGHUP takes good rules over and keeps the old ones in place of bad ones', async () => {
  const rules = rulesFile(BUSY);
  await using collector = await startWithRules(rules);
  await new MadePc(collector.url, 'pc-1', 20_000).send(97, 10);
  const logged = (text: string) => eventually(async () => expect(collector.log()).toContain(text));

  writeFileSync(rules, BUSY.replace('cpu_pct.avg > 90', 'cpu_pct.mean > 90'));
  process.kill(collector.pid, 'SIGHUP');
  await logged('rule busy: when: at column 9: No such key: mean');
  expect(named((await alertsOf(collector)).active)).toEqual(['firing busy pc-1']);

  writeFileSync(rules, BUSY.replace('name: busy', 'name: very-busy'));
  process.kill(collector.pid, 'SIGHUP');
  await logged('the alerts file was read again');
  await eventually(async () => {
    const { active, past } = await alertsOf(collector);
    expect([...named(active), ...named(past)]).toEqual(['resolved busy pc-1']);
    expect(past[0]?.reason).toBe('rule removed');
  });
  expect(await collector.stop()).toBe(0);
});

it('a collector does not start with rules that are not good', async () => {
  const rules = rulesFile(RULES.replace('severity: warning', 'severity: loud'));
  await expect(startWithRules(rules)).rejects.toThrow(/rule busy: severity: /);
});

it('alert check says whether rules are good', async () => {
  const good = await run('collector', ['alert', 'check', '--rules', rulesFile(RULES)]);
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(good.stdout).toMatch(/^busy +warning +cpu_pct\.avg > 90 for 2s/);
  expect(good.stdout).toMatch(/^gone +critical +silent for 10s/m);
  const own = await run('collector', ['alert', 'check']);
  expect(own.stdout).toMatch(/config\/alerts\.yaml is good: \d+ rules/);
  const bad = rulesFile(RULES.replace('for: 2s', 'for: 2'));
  const failed = await run('collector', ['alert', 'check', '--rules', bad]);
  expect(failed.code).toBe(78);
  expect(failed.stderr).toMatch(/alerts\.yaml: rule busy: for: must be a duration/);
});

it('alert test says what rules would have found, and writes nothing', async () => {
  await using collector = await startWithRules(rulesFile('rules: []'));
  const pc = new MadePc(collector.url, 'pc-1', 600_000);
  await pc.send(20, 5);
  await pc.send(97, 8);
  await pc.send(20, 8);
  await collector.stop();
  const file = join(collector.dataDir, 'collector', 'windrow.db');
  const before = readFileSync(file);
  const test = (...args: string[]) => {
    const about = ['alert', 'test', '--rules', rulesFile(RULES), '--data', collector.dataDir];
    return run('collector', [...about, ...args], { env: SHORT_WINDOWS });
  };
  const table = await test('--from', '1h');
  expect(table.stderr).toMatch(/left out.*gone/);
  expect(table.stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^\S+Z  pending   busy +pc-1 +cpu_pct\.avg 97$/),
    expect.stringMatching(/^\S+Z  firing    busy +pc-1 +cpu_pct\.avg 97 for 2s$/),
    expect.stringMatching(/^\S+Z  resolved  busy +pc-1 +cpu_pct\.avg 20 for 2s$/),
  ]);
  const json = await test('--from', '1h', '--format', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject([
    { kind: 'pending', rule: 'busy', server_id: 'pc-1', values: '{"cpu_pct.avg":97}' },
    { kind: 'firing' },
    { kind: 'resolved' },
  ]);
  const none = await test('--from', '1h', '--to', '30m');
  expect(none.stdout).toBe('nothing would have happened\n');
  expect(readFileSync(file).equals(before)).toBe(true);
});
