import { describe, expect, it } from 'vitest';
import { noonMs } from '../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import type { DecodedSample } from '../../wire/records/decoded.ts';
import { pastAlerts } from './store.ts';
import { feed, slideMs, startEngine as start, type Values } from './testing/engine-rig.ts';
import { AT_ONCE, WAITING } from './testing/rules.ts';

describe('a window and what it raised', () => {
  it('are in the store at once, and neither before', () => {
    const rig = start(AT_ONCE);
    feed(rig, rig.source('pc-1'), [50, 97.34]);
    expect(rig.told).toEqual(['firing cpu pc-1']);
    expect([rig.stored(), rig.notices()]).toEqual([[], []]);
    rig.commit();
    expect(rig.stored()).toEqual(['firing cpu pc-1: cpu_pct.avg 97.3']);
    expect(rig.db.prepare('SELECT count(*) AS n FROM windows').get()).toEqual({ n: 2 });
    expect(rig.db.prepare('SELECT rule, server FROM alert_states').all()).toEqual([
      { rule: 'cpu', server: 'pc-1' },
    ]);
  });

  it('leave no state behind when it is over', () => {
    const rig = start(AT_ONCE);
    const source = rig.source('pc-1');
    feed(rig, source, [99]);
    rig.commit();
    feed(rig, source, [50]);
    rig.commit();
    expect(rig.db.prepare('SELECT count(*) AS n FROM alert_states').get()).toEqual({ n: 0 });
  });

  it('go to every notifier of the rule, the same alert at its firing and its resolve', () => {
    const rig = start(WAITING);
    const source = rig.source('pc-1');
    feed(rig, source, [95, 96, 97, 85, 70, 70, 70]);
    rig.commit();
    expect(rig.stored()).toEqual([
      'pending cpu pc-1: cpu_pct.avg 95',
      'firing cpu pc-1: cpu_pct.avg 97 for 20s',
      'resolved cpu pc-1: cpu_pct.avg 70 for 20s',
    ]);
    const notices = rig.notices();
    expect(notices.map(({ lane, status }) => `${lane} ${status}`)).toEqual([
      'ops firing',
      'night firing',
      'ops resolved',
      'night resolved',
    ]);
    const [firing, , resolved] = notices;
    expect(firing).toMatchObject({
      rule: 'cpu',
      server: 'pc-1',
      startsAtMs: noonMs + 10_000,
      transitionAtMs: noonMs + 30_000,
      enqueuedMs: noonMs + 30_000,
      endsAtMs: null,
      severity: 'critical',
      labels: { alertname: 'cpu', server: 'pc-1', severity: 'critical', team: 'room-1' },
      annotations: {
        summary: 'pc-1: CPU is high.',
        description: 'cpu_pct.avg 97 for 20s',
      },
    });
    expect(resolved).toMatchObject({
      id: firing?.id,
      fingerprint: firing?.fingerprint,
      startsAtMs: firing?.startsAtMs,
      endsAtMs: noonMs + 70_000,
    });
    expect(rig.db.prepare('SELECT count(*) AS n FROM alert_states').get()).toEqual({ n: 0 });
    expect(rig.transitions()[1]?.window).toEqual({
      startMs: noonMs,
      endMs: noonMs + 30_000,
      values: { 'cpu_pct.avg': 97 },
    });
  });

  it('nobody is told of what was pending and passed', () => {
    const rig = start(WAITING);
    feed(rig, rig.source('pc-1'), [95, 50]);
    rig.commit();
    expect(rig.told).toEqual(['pending cpu pc-1', 'dropped cpu pc-1']);
    expect(rig.notices()).toEqual([]);
  });

  it('name the processes that were on top', () => {
    const rules = AT_ONCE.replace(
      'notifiers:',
      `  - name: memory
    about: Memory is full.
    when: mem_pct.avg > 90
    severity: warning
notifiers:`,
    );
    const rig = start(rules);
    const source = rig.source('pc-1');
    const row = (name: string, cpu: number, mem: number) => ({
      pid: 1,
      name,
      cpu_pct: cpu,
      mem_pct: mem,
    });
    const rows = [row('make', 181.26, 1), row('cc', 99, 2), row('ld', 3, 60), row('sh', 1, 0)];
    const processes = { by_cpu: rows, by_mem: rows.toReversed().slice(1) };
    rig.engine.sample(source, { processes } as DecodedSample);
    rig.window(source, { cpu_pct: 99, mem_pct: 99 });
    rig.commit();
    expect(rig.notices().map(({ annotations }) => annotations.processes)).toEqual([
      'make (181.3 % of a core), cc (99 % of a core), ld (3 % of a core)',
      'ld (60 % of memory), cc (2 % of memory), make (1 % of memory)',
    ]);
  });

  it('keep the processes that were on top, over a restart and after the end', () => {
    const dataDir = temporaryFolder();
    const first = start(WAITING, dataDir);
    const source = first.source('pc-1');
    const sampled = (name: string): void => {
      const rows = [{ pid: 1, name, cpu_pct: 99, mem_pct: 1 }];
      const sample = { processes: { by_cpu: rows, by_mem: rows } } as unknown as DecodedSample;
      first.engine.sample(source, sample);
    };
    feed(first, source, [95, 95]);
    sampled('ffmpeg');
    feed(first, source, [95]);
    sampled('idle');
    feed(first, source, [95]);
    first.commit();
    first.crash();

    const onTop = 'ffmpeg (99 % of a core)';
    const second = start(WAITING, dataDir, first.clock);
    expect([...second.engine.active()]).toMatchObject([{ kind: 'firing', processes: onTop }]);
    feed(second, second.source('pc-1'), [10, 10, 10]);
    second.commit();
    expect(pastAlerts(second.db, { countMax: 9 })).toMatchObject([{ processes: onTop }]);
    expect(second.transitions().map(({ kind, processes }) => [kind, processes])).toEqual([
      ['pending', null],
      ['firing', onTop],
      ['resolved', null],
    ]);
  });
});

describe('what is not of now raises nothing', () => {
  const breach: Values = { cpu_pct: 99 };

  it.each([
    ['a replayed file', { replayId: 'f'.repeat(64) }],
    ['a server that said goodbye', { off: true }],
    ['a server that was taken out', { decommissioned: true }],
  ])('%s', (_, changes) => {
    const rig = start(AT_ONCE);
    rig.window(rig.source('pc-1', changes), breach);
    expect(rig.told).toEqual([]);
  });

  it('a backlog, an old producer’s time, a clock far ahead', () => {
    const rig = start(AT_ONCE);
    // Two windows, the lateness and 30 s: then it is of the past.
    for (const agoMs of [95_001, 3_600_000, -60_001]) {
      rig.window(rig.source(`pc${agoMs}`), breach, agoMs);
    }
    expect(rig.told).toEqual([]);
    rig.window(rig.source('in-time'), breach, 95_000);
    rig.window(rig.source('ahead'), breach, -60_000);
    expect(rig.told).toEqual(['firing cpu in-time', 'firing cpu ahead']);
  });

  it('but a clock that is known to be off is allowed for', () => {
    const rig = start(AT_ONCE);
    rig.window(rig.source('behind', { clockOffsetMs: -3_600_000 }), breach, 3_600_000);
    rig.window(rig.source('ahead', { clockOffsetMs: 3_600_000 }), breach, -3_600_000);
    rig.window(rig.source('right', { clockOffsetMs: 0 }), breach, 3_600_000);
    expect(rig.told).toEqual(['firing cpu behind', 'firing cpu ahead']);
  });

  it('a window that comes again, or after a later one', () => {
    const rig = start(AT_ONCE);
    const source = rig.source('pc-1');
    feed(rig, source, [99, 50]);
    rig.window(source, breach);
    rig.window(source, breach, slideMs);
    expect(rig.told).toEqual(['firing cpu pc-1', 'resolved cpu pc-1']);
  });

  it('a metric that is unavailable: nothing begins, nothing ends', () => {
    const rig = start(AT_ONCE);
    const source = rig.source('pc-1');
    rig.window(source, { mem_pct: 99 });
    feed(rig, source, [99]);
    rig.clock.advance(slideMs);
    rig.window(source, { mem_pct: 1 });
    expect(rig.told).toEqual(['firing cpu pc-1']);
  });
});

describe('other rules', () => {
  it('of the same name go on with the alert', () => {
    const rig = start(AT_ONCE);
    const source = rig.source('pc-1');
    feed(rig, source, [95]);
    rig.reload(AT_ONCE.replace('> 90', '> 60'));
    feed(rig, source, [80]);
    expect(rig.told).toEqual(['firing cpu pc-1']);
    rig.reload(AT_ONCE.replace('> 90', '> 85'));
    feed(rig, source, [80]);
    expect(rig.told).toEqual(['firing cpu pc-1', 'resolved cpu pc-1']);
  });

  it('without it, or about the fleet instead, end it', () => {
    const rig = start(AT_ONCE);
    feed(rig, rig.source('pc-1'), [95]);
    rig.reload(AT_ONCE.replace('about:', 'of: fleet, about:'));
    expect(rig.told).toEqual(['firing cpu pc-1', 'resolved cpu pc-1']);
  });
});

it('a goodbye drops what is pending and resolves what fires', () => {
  const rig = start(WAITING);
  const [a, b] = [rig.source('a'), rig.source('b')];
  feed(rig, a, [95, 95, 95]);
  feed(rig, b, [95]);
  for (const source of [a, b]) rig.engine.ended(source, 'said goodbye');
  rig.commit();
  expect(rig.stored().slice(-2)).toEqual([
    'resolved cpu a: said goodbye',
    'dropped cpu b: said goodbye',
  ]);
  expect(rig.notices().map(({ server, status }) => `${server} ${status}`)).toEqual([
    'a firing',
    'a firing',
    'a resolved',
    'a resolved',
  ]);
});

it('a rule about the fleet looks at its windows in the commit that makes them', () => {
  const rig = start(`
rules:
  - { name: half, about: Half of them., of: fleet, when: cpu_pct.p50 > 90, severity: info }
notifiers:
  ops: { type: command, command: [notify] }
`);
  const [a, b] = [rig.source('a'), rig.source('b')];
  const made = (cpu: number, agoMs = 0): void => {
    rig.window(a, { cpu_pct: cpu }, agoMs);
    rig.window(b, { cpu_pct: cpu - 4 }, agoMs);
    rig.due(rig.clock.wallMs() - agoMs);
    rig.commit();
  };
  made(99);
  expect(rig.told).toEqual(['firing half ']);
  rig.clock.advance(slideMs);
  made(50);
  expect(rig.told).toEqual(['firing half ', 'resolved half ']);
  // Made anew, because a part of it came late: it was judged.
  made(99, slideMs);
  rig.commit();
  expect(rig.told).toEqual(['firing half ', 'resolved half ']);
  expect(rig.notices()).toMatchObject([
    {
      server: '',
      labels: { alertname: 'half', severity: 'info' },
      annotations: { summary: 'fleet: Half of them.', description: 'cpu_pct.p50 95' },
    },
    { status: 'resolved' },
  ]);
  expect(rig.notices()[0]?.labels).not.toHaveProperty('server');
});
