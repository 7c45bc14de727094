/** Machines that send and receive blocks, as they are heard. Pure; of too many the one that was heard the longest ago goes. */
import { Throughput } from './throughput.ts';
import { activeMs, type MachineRole, type MachineView } from './transfers-view.ts';

const machinesMax = 1_000;

export class Machine {
  readonly id: string;
  readonly role: MachineRole;
  readonly throughput = new Throughput();
  heardMs: number;
  /** By which it hashes; null: that is not known. */
  engine: string | null = null;
  blocks = 0;
  bytes = 0;
  failures = 0;

  constructor(id: string, role: MachineRole, nowMs: number) {
    this.id = id;
    this.role = role;
    this.heardMs = nowMs;
  }

  isActive(nowMs: number): boolean {
    return nowMs - this.heardMs <= activeMs;
  }

  view(nowMs: number): MachineView {
    const { id, role, heardMs, engine, blocks, bytes, failures, throughput } = this;
    return {
      machine_id: id,
      role,
      last_heard_ms: heardMs,
      active: this.isActive(nowMs),
      engine,
      bytes_per_second: throughput.bytesPerSecond(nowMs),
      blocks,
      bytes,
      failures,
    };
  }
}

export class Machines {
  /** The one that was heard last stands last. */
  readonly #machines = new Map<string, Machine>();

  heard(role: MachineRole, id: string, nowMs: number): Machine {
    const key = `${role} ${id}`;
    const machine = this.#machines.get(key) ?? new Machine(id, role, nowMs);
    machine.heardMs = nowMs;
    this.#machines.delete(key);
    this.#machines.set(key, machine);
    const [oldest] = this.#machines.keys();
    if (this.#machines.size > machinesMax && oldest !== undefined) this.#machines.delete(oldest);
    return machine;
  }

  /** Those that are active first, then by name. */
  list(nowMs: number, max: number): MachineView[] {
    return [...this.#machines.values()]
      .sort((one, other) => {
        const activity = Number(other.isActive(nowMs)) - Number(one.isActive(nowMs));
        return activity === 0 ? compare(one, other) : activity;
      })
      .slice(0, max)
      .map((machine) => machine.view(nowMs));
  }

  /** One that sends and receives is one machine; a block that failed is one of its receiver. */
  totals(nowMs: number): { machines: number; machines_active: number; failures: number } {
    const all = [...this.#machines.values()];
    const active = all.filter((machine) => machine.isActive(nowMs));
    return {
      machines: new Set(all.map(({ id }) => id)).size,
      machines_active: new Set(active.map(({ id }) => id)).size,
      failures: all.reduce((sum, { role, failures }) => {
        return role === 'receiver' ? sum + failures : sum;
      }, 0),
    };
  }
}

function compare(one: Machine, other: Machine): number {
  if (one.id === other.id) return one.role < other.role ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}
