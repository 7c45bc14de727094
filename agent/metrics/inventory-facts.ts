/** From what `systeminformation` says to our inventory. Runs in the inventory's child alone. */
import { arch, hostname, totalmem } from 'node:os';
import {
  blockDevices,
  cpu,
  diskLayout,
  networkInterfaces,
  osInfo,
  type Systeminformation,
  system,
} from 'systeminformation';
import { disksMax, interfacesMax, nameCharsMax } from '../../wire/limits.ts';
import type { InventoryFacts } from '../../wire/records/inventory.ts';

/** What `systeminformation` was told; a part of it is undefined when that part failed. */
export interface Told {
  readonly os: Partial<Systeminformation.OsData> | undefined;
  readonly system: Partial<Systeminformation.SystemData> | undefined;
  readonly cpu: Partial<Systeminformation.CpuData> | undefined;
  readonly layout: readonly Partial<Systeminformation.DiskLayoutData>[] | undefined;
  readonly blocks: readonly Partial<Systeminformation.BlockDevicesData>[] | undefined;
  readonly interfaces:
    | readonly Partial<Systeminformation.NetworkInterfacesData>[]
    | Partial<Systeminformation.NetworkInterfacesData>
    | undefined;
}

/** Asks the machine; a question that fails leaves its answers ''. */
export async function askMachine(): Promise<Told> {
  const [os, machine, processor, layout, blocks, interfaces] = await Promise.all([
    orUndefined(osInfo()),
    orUndefined(system()),
    orUndefined(cpu()),
    orUndefined(diskLayout()),
    orUndefined(blockDevices()),
    orUndefined(networkInterfaces()),
  ]);
  return { os, system: machine, cpu: processor, layout, blocks, interfaces };
}

export function factsFrom(told: Told): InventoryFacts {
  const { os, system, cpu } = told;
  const facts: InventoryFacts = {
    hostname: hostname().slice(0, nameCharsMax),
    os: nameFrom([nameOf(os?.distro), nameOf(os?.release)]),
    kernel: nameOf(os?.kernel),
    arch: arch(),
    cpu_model: nameFrom([nameOf(cpu?.manufacturer), nameOf(cpu?.brand)]),
    cpu_cores: cpu?.cores ?? 0,
    cpu_physical_cores: cpu?.physicalCores ?? 0,
    mem_total: totalmem(),
    disks: disksFrom(told).slice(0, disksMax),
    interfaces: interfacesFrom(told.interfaces).slice(0, interfacesMax),
  };
  const model = nameFrom([nameOf(system?.manufacturer), nameOf(system?.model)]);
  if (model !== '') facts.model = model;
  if (system?.virtual === true) facts.virtual = nameOf(system.virtualHost);
  return facts;
}

/** The layout tells more, but leaves virtual machines' disks out. */
function disksFrom({ layout = [], blocks = [] }: Told): InventoryFacts['disks'] {
  const disks = layout.map((disk) => ({
    name: nameOf(disk.device).replace(/^\/dev\//, ''),
    model: nameOf(disk.name),
    type: nameOf(disk.type),
    size: sizeOf(disk.size),
  }));
  for (const block of blocks) {
    const name = nameOf(block.name);
    const isDisk = block.type === 'disk' && sizeOf(block.size) > 0;
    if (!isDisk || disks.some((disk) => disk.name === name)) continue;
    disks.push({ name, model: nameOf(block.model), type: '', size: sizeOf(block.size) });
  }
  return disks;
}

function interfacesFrom(told: Told['interfaces']): InventoryFacts['interfaces'] {
  const list = Array.isArray(told) ? told : told === undefined ? [] : [told];
  return list.filter(({ internal }) => internal !== true).map(interfaceFrom);
}

function interfaceFrom(
  told: Partial<Systeminformation.NetworkInterfacesData>,
): InventoryFacts['interfaces'][number] {
  const found: InventoryFacts['interfaces'][number] = {
    name: nameOf(told.iface),
    ip4: nameOf(told.ip4),
    ip6: nameOf(told.ip6),
    mac: nameOf(told.mac),
  };
  const speed = told.speed ?? 0;
  if (speed > 0) found.speed_mbit = speed;
  return found;
}

/** `systeminformation` says `unknown`, `-` and the like for what it does not know. */
function nameOf(told: unknown): string {
  if (typeof told !== 'string') return '';
  const name = told.trim();
  const isKnown = !/^(?:-|unknown|not specified|default string|to be filled.*)$/i.test(name);
  return isKnown ? name.slice(0, nameCharsMax) : '';
}

function nameFrom(parts: readonly string[]): string {
  return parts
    .filter((part) => part !== '')
    .join(' ')
    .slice(0, nameCharsMax);
}

function sizeOf(told: number | null | undefined): number {
  return typeof told === 'number' && told > 0 ? told : 0;
}

async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch {
    return undefined;
  }
}
