/**
 * The executables install themselves under a running systemd, as people do it: samples arrive, the
 * manager's promises are kept, a newer executable takes the place of a running one, and all goes again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetView } from '../../collector/api/contract.ts';
import { freePort } from '../support/free-port.ts';
import { eventually, getJson, metric } from '../support/http.ts';
import { mayStartSystemd, type SystemdMachine, startSystemd } from '../support/systemd-machine.ts';

const built = (name: string): string => `/opt/windrow/dist/windrow-${name}-linux-x64`;
const token = 'abcdefghijklmnopqrstuvwxyz012345';

/** A restart by the watchdog, and a backoff behind it. */
const options = { timeout: 180_000 };
const underSystemd = describe.skipIf(!mayStartSystemd());

underSystemd('installed under a running systemd (needs root)', options, () => {
  let machine: SystemdMachine;
  let url: string;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    url = `http://127.0.0.1:${port}`;
    machine = await startSystemd({ settings: {}, overrides: {}, units: 'none' });
  });
  afterAll(async () => machine?.[Symbol.asyncDispose]());

  const received = (): Promise<number> => metric(url, 'windrow_samples_received_total');
  const server = async () => (await getJson<FleetView>(`${url}/api/fleet`)).servers[0];
  const arrivesMore = async (): Promise<void> => {
    const before = await received();
    await eventually(async () => expect(await received()).toBeGreaterThan(before + 2));
  };
  const succeeds = (program: string, ...args: readonly string[]): string => {
    const { code, stdout, stderr } = machine.run(program, ...args);
    expect([code, stderr], `${program} ${args.join(' ')}`).toEqual([0, '']);
    return stdout;
  };
  const isThere = (path: string): boolean => machine.run('test', '-e', path).code === 0;

  it('both become ready and samples arrive; the agent is nobody’s user', async () => {
    const said = succeeds(built('collector'), 'service', 'install', '--port', String(port));
    expect(said).toContain('started windrow-collector');
    machine.configure('given.token', token);
    succeeds(
      built('agent'),
      'service',
      'install',
      `--to=${url}`,
      '--server-id=pc',
      '--token-file=/etc/windrow/given.token',
    );
    await arrivesMore();
    expect((await server())?.server_id).toBe('pc');
    const pid = machine.property('windrow-agent.service', 'MainPID');
    expect(succeeds('ps', '-o', 'uid=', '-p', pid).trim()).not.toBe('0');
    expect(succeeds('systemctl', 'is-enabled', 'windrow-agent').trim()).toBe('enabled');
    expect(succeeds('readlink', `/proc/${pid}/exe`).trim()).toBe('/usr/local/bin/windrow-agent');
  });

  it('the token is readable by root and the service alone', () => {
    expect(succeeds('stat', '-c', '%a %U', '/etc/windrow/agent.token').trim()).toBe('600 root');
    expect(succeeds('cat', '/etc/windrow/agent.yaml')).toContain(
      'token_file: /run/credentials/windrow-agent.service/token',
    );
    expect(succeeds('cat', '/run/credentials/windrow-agent.service/token').trim()).toBe(token);
  });

  it('the units are good to systemd, and one that stands still is started again', async () => {
    for (const name of ['windrow-agent', 'windrow-collector']) {
      succeeds('systemd-analyze', 'verify', '--man=no', `${name}.service`);
    }
    // The watchdog of the unit has five minutes.
    succeeds('mkdir', '-p', '/run/systemd/system/windrow-agent.service.d');
    const impatient = '[Service]\nWatchdogSec=9s\nRestartSec=100ms\n';
    const dropIn = '/run/systemd/system/windrow-agent.service.d/test.conf';
    succeeds('sh', '-c', `printf '%s' "$0" > ${dropIn}`, impatient);
    succeeds('systemctl', 'daemon-reload');
    succeeds('systemctl', 'restart', 'windrow-agent');
    const pid = machine.property('windrow-agent.service', 'MainPID');
    succeeds('kill', '-STOP', pid);
    await machine.isReplaced('windrow-agent.service', pid);
    expect(machine.journal('windrow-agent.service')).toContain('Watchdog timeout');
    await arrivesMore();
    expect(await metric(url, 'windrow_samples_lost_total')).toBe(0);
  });

  it('a newer executable takes the place of the running one; what was set stays, no sample is lost', async () => {
    const before = machine.property('windrow-agent.service', 'MainPID');
    const settings = succeeds('cat', '/etc/windrow/agent.yaml');
    // Another file with other bytes: what a newer version is to the running one.
    succeeds('sh', '-c', `cp ${built('agent')} /tmp/newer && echo newer >> /tmp/newer`);
    expect(succeeds('/tmp/newer', 'service', 'install')).toContain('wrote /usr/local/bin');
    expect(succeeds('cmp', '/tmp/newer', '/usr/local/bin/windrow-agent')).toBe('');
    expect(machine.property('windrow-agent.service', 'MainPID')).not.toBe(before);
    expect(succeeds('cat', '/etc/windrow/agent.yaml')).toBe(settings);
    expect(isThere('/etc/windrow/agent.token')).toBe(true);
    await arrivesMore();
    expect(await metric(url, 'windrow_samples_lost_total')).toBe(0);
  });

  it('wrong settings change nothing, and whoever is not root is told in one sentence', () => {
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const refused = machine.run('setpriv', ...asNobody, built('agent'), 'service', 'install');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      'windrow-agent: services are for root to change: run it again with sudo\n',
    ]);
    const unit = succeeds('cat', '/etc/systemd/system/windrow-agent.service');
    const wrong = machine.run(built('agent'), 'service', 'install', '--token-file', '/nowhere');
    expect(wrong.code).toBe(78);
    expect(wrong.stderr).toContain('/nowhere');
    expect(succeeds('cat', '/etc/systemd/system/windrow-agent.service')).toBe(unit);
    expect(machine.property('windrow-agent.service', 'ActiveState')).toBe('active');
  });

  it('uninstall says goodbye and leaves the data; with --purge nothing is left', async () => {
    succeeds('/usr/local/bin/windrow-agent', 'service', 'uninstall');
    expect((await server())?.state).toBe('off');
    expect(isThere('/etc/systemd/system/windrow-agent.service')).toBe(false);
    expect(isThere('/usr/local/bin/windrow-agent')).toBe(false);
    expect(isThere('/var/lib/private/windrow-agent/agent/outbox.db')).toBe(true);
    expect(isThere('/etc/windrow/agent.yaml')).toBe(true);
    succeeds(built('agent'), 'service', 'install');
    await arrivesMore();
    for (const name of ['agent', 'collector']) {
      succeeds(built(name), 'service', 'uninstall', '--purge');
      for (const path of [
        `/var/lib/windrow-${name}`,
        `/var/lib/private/windrow-${name}`,
        `/var/cache/private/windrow-${name}`,
        `/etc/windrow/${name}.yaml`,
        `/etc/systemd/system/windrow-${name}.service`,
        `/usr/local/bin/windrow-${name}`,
      ]) {
        expect(isThere(path), path).toBe(false);
      }
    }
    expect(isThere('/etc/windrow/agent.token')).toBe(false);
  });
});
