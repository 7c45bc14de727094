import { expect, test } from 'vitest';
import { interfacesMax } from '../../../wire/limits.ts';
import { Machine, readOnce, readTwice, scanOf } from '../testing/machine.ts';
import type { NetworkSource } from '../network.ts';
import { networkSource, parseNetDev } from './network.ts';

const header = 'Inter-| Receive | Transmit\n face |bytes packets |bytes\n';
/** A line of /proc/net/dev. */
function line(name: string, received: number, sent: number): string {
  return `${name.padStart(6)}:${received} 1 0 0 0 0 0 0 ${sent} 1 0 0 0 0 0 0\n`;
}

function sourceOf(machine: Machine): NetworkSource {
  return networkSource(machine.file('net/dev'), machine.clock, machine);
}

/** Every interface receives 1,000 and sends 100 bytes more than in the fixture. */
function grow(machine: Machine): void {
  const names = parseNetDev(machine.file('net/dev').read());
  const lines = names.map(({ name, first, second }) => line(name, first + 1000, second + 100));
  machine.write('proc/net/dev', header + lines.join(''));
}

test('bytes in and out are the right columns, with and without a space after the colon', () => {
  const text = `${header}  eth0: 11 2 3 4 5 6 7 8 99 10 0 0 0 0 0 0\neth1:5 2 3 4 5 6 7 8 6 10 0 0 0 0 0 0\n`;
  expect(parseNetDev(scanOf(text))).toEqual([
    { name: 'eth0', first: 11, second: 99 },
    { name: 'eth1', first: 5, second: 6 },
  ]);
});

test('bond, bridge, vlan, veth, tunnel and dummy are listed and not counted again', () => {
  const machine = new Machine('server');
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.net_in).toBe(2000);
  expect(draft.net_out).toBe(200);
  expect(draft.nets?.map(({ name }) => name)).toEqual([
    'eth0',
    'eth1',
    'bond0',
    'br0',
    'bond0.42',
    'docker0',
    'veth12ab',
    'tun0',
    'ifb0',
    'dummy0',
  ]);
  expect(draft.nets?.[2]).toEqual({ name: 'bond0', in: 1000, out: 100 });
});

test('in a container without a card the plain interface counts and no layer does', () => {
  const machine = new Machine('container');
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.net_in).toBe(1000);
  expect(draft.net_out).toBe(100);
});

test('a sandbox that hides /sys is read by names', () => {
  const machine = new Machine('container');
  machine.remove('sys');
  machine.write(
    'proc/net/dev',
    header + line('lo', 1, 1) + line('eth0', 1, 1) + line('docker0', 1, 1),
  );
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.net_in).toBe(1000);
});

test('a card below another card (accelerated networking) is counted through its master', () => {
  const machine = new Machine();
  machine.write('sys/class/net/eth0/device/vendor', 'hyperv');
  machine.write('sys/class/net/enP1/device/vendor', 'mlx');
  machine.write('sys/class/net/enP1/master/device/vendor', 'hyperv');
  machine.write('proc/net/dev', header + line('eth0', 0, 0) + line('enP1', 0, 0));
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.net_in).toBe(1000);
  expect(draft.nets?.length).toBe(2);
});

test("a switch's ports are counted through the processor's card", () => {
  const machine = new Machine();
  machine.write('sys/class/net/eth0/device/vendor', 'nxp');
  machine.write('sys/class/net/lan1/device/vendor', 'nxp');
  machine.write('sys/class/net/lan1/uevent', 'DEVTYPE=dsa\nINTERFACE=lan1\n');
  machine.write('proc/net/dev', header + line('eth0', 0, 0) + line('lan1', 0, 0));
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.net_in).toBe(1000);
});

test('a machine with nothing but loopback has a reason and no zero', () => {
  const machine = new Machine();
  machine.write('proc/net/dev', header + line('lo', 5, 5));
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  const reason = 'no network interface of its own';
  expect(draft).toEqual({ unavailable: { net_in: reason, net_out: reason }, nets: [] });
});

test('an interface that comes or goes is neither a spike nor a negative rate', () => {
  const machine = new Machine();
  for (const name of ['eth0', 'eth1']) machine.write(`sys/class/net/${name}/device/vendor`, 'x');
  const source = sourceOf(machine);
  const steps = [
    { lines: [line('eth0', 1000, 0)], netIn: undefined },
    { lines: [line('eth0', 2000, 0), line('eth1', 9e9, 0)], netIn: 1000 },
    { lines: [line('eth0', 3000, 0), line('eth1', 9e9 + 500, 0)], netIn: 1500 },
    { lines: [line('eth0', 4000, 0)], netIn: 1000 },
    { lines: [line('eth0', 5000, 0), line('eth1', 9e9 + 9000, 0)], netIn: 1000 },
    { lines: [line('eth1', 9e9 + 9010, 0)], netIn: 10 },
  ];
  for (const { lines, netIn } of steps) {
    machine.clock.advance(1000);
    machine.write('proc/net/dev', header + lines.join(''));
    expect(readOnce(source).net_in).toBe(netIn);
  }
});

test('a counter that restarted is a reset for its interface alone', () => {
  const machine = new Machine();
  for (const name of ['eth0', 'eth1']) machine.write(`sys/class/net/${name}/device/vendor`, 'x');
  machine.write('proc/net/dev', header + line('eth0', 1e10, 1e10) + line('eth1', 50, 50));
  const source = sourceOf(machine);
  const draft = readTwice(source, machine, () => {
    machine.write('proc/net/dev', header + line('eth0', 5, 5) + line('eth1', 60, 60));
  });
  expect(draft.net_in).toBe(10);
  expect(draft.nets).toEqual([{ name: 'eth1', in: 10, out: 10 }]);
});

test('the list is bounded, and the cards come first', () => {
  const machine = new Machine();
  machine.write('sys/class/net/eth0/device/vendor', 'x');
  const many = Array.from({ length: interfacesMax + 10 }, (_, n) => line(`veth${n}`, 0, 0));
  machine.write('proc/net/dev', header + many.join('') + line('eth0', 0, 0));
  const draft = readTwice(sourceOf(machine), machine, () => grow(machine));
  expect(draft.nets?.length).toBe(interfacesMax);
  expect(draft.nets?.[0]?.name).toBe('eth0');
});

test('what a name is is asked again after a minute, not each tick', () => {
  const machine = new Machine();
  machine.write('proc/net/dev', header + line('eth0', 0, 0) + line('eth1', 0, 0));
  machine.write('sys/class/net/eth0/device/vendor', 'x');
  const source = sourceOf(machine);
  readOnce(source);
  machine.write('sys/class/net/eth1/device/vendor', 'x');
  const netInAfter = (ms: number) => {
    machine.clock.advance(ms);
    grow(machine);
    return readOnce(source).net_in;
  };
  expect(netInAfter(59_000)).toBe(Math.round(1000 / 59));
  expect(netInAfter(1_000)).toBe(2000);
});
