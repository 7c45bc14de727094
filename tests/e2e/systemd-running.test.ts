/**
 * Both units as they are installed, under a running systemd: what is in them works, with all the
 * hardening, and the manager's promises (ready, watchdog, restart, stop) are kept from both sides.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetView, ServerView } from '../../collector/api/contract.ts';
import { freePort } from '../support/free-port.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { mayStartSystemd, type SystemdMachine, startSystemd } from '../support/systemd-machine.ts';

const agent = 'windrow-agent.service';
const collector = 'windrow-collector.service';
/**
 * The units have five minutes, and five seconds between restarts. A third of it must be enough for a
 * sample and a word to the manager, twice: on a busy machine one of both comes late.
 */
const impatient = '[Service]\nWatchdogSec=9s\nRestartSec=100ms\n';
/** A restart by the watchdog, another one, and an agent's longest backoff behind them. */
const options = { timeout: 240_000 };

describe.skipIf(!mayStartSystemd())('under a running systemd (needs root)', options, () => {
  let machine: SystemdMachine;
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    machine = await startSystemd({
      settings: {
        'agent.yaml': `to: ${url}\nserver_id: pc\n`,
        'collector.yaml': `port: ${port}\n`,
      },
      overrides: { [agent]: impatient, [collector]: impatient },
    });
  });
  afterAll(async () => machine?.[Symbol.asyncDispose]());

  const received = (): Promise<number> => metric(url, 'windrow_samples_received_total');
  const server = async () => (await getJson<FleetView>(`${url}/api/fleet`)).servers[0];
  const arrivesMore = async (): Promise<void> => {
    const before = await received();
    await eventually(async () => expect(await received()).toBeGreaterThan(before + 2));
  };
  const start = (unit: string): void => {
    const { code } = machine.run('systemctl', 'start', unit);
    expect(code, machine.journal(unit)).toBe(0);
    expect(machine.property(unit, 'ActiveState')).toBe('active');
  };
  /** By what `happens` to its process, another one takes its place. */
  const isReplaced = async (unit: string, happens: (pid: string) => void): Promise<void> => {
    const pid = machine.property(unit, 'MainPID');
    happens(pid);
    await machine.isReplaced(unit, pid);
  };
  const signal = (name: string) => (pid: string) => {
    // 0 would be all of our own group.
    expect(Number(pid)).toBeGreaterThan(1);
    expect(machine.run('kill', `-${name}`, pid).code).toBe(0);
  };

  it('both become ready and samples arrive, with every metric that there is outside', async () => {
    start(collector);
    start(agent);
    await arrivesMore();
    const view = await getJson<ServerView>(`${url}/api/servers/${(await server())?.id}`);
    expect(view.sample?.unavailable).toBeUndefined();
  });

  it('the agent is nobody’s user, and what it keeps is its own', async () => {
    const pid = machine.property(agent, 'MainPID');
    expect(machine.run('ps', '-o', 'uid=', '-p', pid).stdout.trim()).not.toBe('0');
    const files = machine.run('stat', '-Lc', '%a', '/var/lib/windrow-agent').stdout.trim();
    expect(files).toBe('700');
  });

  it('an agent that stands still is ended by the watchdog and started again; no sample is lost', async () => {
    await isReplaced(agent, signal('STOP'));
    expect(machine.journal(agent)).toContain('Watchdog timeout');
    await arrivesMore();
    expect(await metric(url, 'windrow_samples_lost_total')).toBe(0);
  });

  it('an agent that is killed is started again; no sample is lost', async () => {
    await isReplaced(agent, signal('KILL'));
    await arrivesMore();
    expect(await metric(url, 'windrow_samples_lost_total')).toBe(0);
  });

  it('a collector that stands still, or is killed, is started again, and gets what waited', async () => {
    await isReplaced(collector, signal('STOP'));
    expect(machine.journal(collector)).toContain('Watchdog timeout');
    await isReplaced(collector, signal('KILL'));
    await eventually(arrivesMore, 100_000);
    expect(await metric(url, 'windrow_samples_lost_total')).toBe(0);
  });

  it('an agent that is stopped says goodbye', async () => {
    expect(machine.run('systemctl', 'stop', agent).code).toBe(0);
    expect(machine.property(agent, 'ActiveState')).toBe('inactive');
    expect(machine.property(agent, 'Result')).toBe('success');
    expect((await server())?.state).toBe('off');
  });

  it('a wrong file: the unit fails, says why in the journal, and is not tried again', async () => {
    machine.configure('agent.yaml', 'interval: soon\n');
    expect(machine.run('systemctl', 'start', agent).code).not.toBe(0);
    expect(machine.property(agent, 'ActiveState')).toBe('failed');
    // The check's own word, and the program's.
    expect(machine.journal(agent).match(/interval.*soon/g)?.length).toBe(2);
    expect(machine.property(agent, 'NRestarts')).toBe('0');
  });
});
