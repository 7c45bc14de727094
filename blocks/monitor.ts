/**
 * Folds acknowledgments and statuses into what people see of transfers. Pure: all times are given.
 *
 * Invariant: a block counts once for its file, however often it is acknowledged; what is kept is
 * bounded, and what is dropped first is what has been done for the longest.
 */
import type { BlockAck } from '../wire/records/block-ack.ts';
import type { BlockChunk } from '../wire/records/block-chunk.ts';
import type { ProcessingStatus } from '../wire/records/processing-status.ts';
import { BlockSet } from './block-set.ts';
import { type Machine, Machines } from './machines.ts';
import { Throughput } from './throughput.ts';
import {
  activeMs,
  type MachineRole,
  type TransfersView,
  type TransferState,
  type TransferView,
} from './transfers-view.ts';

const filesMax = 1_000;
/** Blocks of one file on their way: more than a receiver keeps open. */
const partsMax = 100;
/** Of the sets of blocks: files of a million blocks have 125 kB each. */
const setBytesMax = 8 * 1024 * 1024;
/** Before, a rate says nothing. */
const rateMsMin = 1_000;

interface File {
  readonly id: string;
  readonly fileName: string;
  readonly sender: string | null;
  readonly sizeBytes: number | null;
  readonly totalBlocks: number | null;
  readonly stored: BlockSet;
  storedBytes: number;
  /** Of blocks on their way. */
  readonly partBytes: Map<number, number>;
  failures: number;
  reason: string | null;
  heardMs: number;
  /** From where on its rate is measured. */
  since: { readonly ms: number; readonly bytes: number };
}

/** What is known of a file whoever tells of it. */
type FileFacts = Pick<File, 'id' | 'fileName' | 'sender' | 'sizeBytes' | 'totalBlocks'>;

export interface KnownTransfer extends FileFacts {
  readonly heardMs: number;
  readonly blocks: readonly { readonly number: number; readonly sizeBytes: number }[];
}

/** Who tells of chunks that arrive. */
export interface OwnReceiver {
  readonly machineId: string;
  readonly engine: string;
}

export class TransferMonitor {
  readonly #files = new Map<string, File>();
  readonly #machines = new Machines();
  readonly #throughput = new Throughput();
  readonly #changed = new Set<File>();
  #isMachineNews = false;
  readonly #own: OwnReceiver | undefined;

  /** @param own undefined where nothing but what others say is heard */
  constructor(own?: OwnReceiver) {
    this.#own = own;
  }

  /** What was stored before, whether anybody was told of it or not. */
  restore(known: KnownTransfer): void {
    this.#restored(known);
  }

  /** @returns undefined: it was all known */
  #restored({ heardMs, blocks, ...facts }: KnownTransfer): File | undefined {
    const file = this.#fileOf(facts, heardMs);
    let isNews = false;
    for (const { number, sizeBytes } of blocks) {
      if (!file.stored.add(number)) continue;
      file.storedBytes += sizeBytes;
      isNews = true;
    }
    if (!isNews) return undefined;
    file.heardMs = Math.max(file.heardMs, heardMs);
    file.since = { ms: heardMs, bytes: bytesOf(file) };
    return file;
  }

  /** So many bytes of a block on its way have come. */
  arrived(chunk: BlockChunk, bytes: number, nowMs: number): void {
    const file = this.#heard(factsOfChunk(chunk), nowMs);
    if (file.stored.has(chunk.block_number)) return;
    const before = chunk.chunk === 0 ? 0 : (file.partBytes.get(chunk.block_number) ?? 0);
    file.partBytes.set(chunk.block_number, before + bytes);
    const [oldest] = file.partBytes.keys();
    if (file.partBytes.size > partsMax && oldest !== undefined) file.partBytes.delete(oldest);
    const sender = this.#machine('sender', chunk.sender, nowMs);
    sender.engine = chunk.last?.engine ?? sender.engine;
    sender.throughput.add(bytes, nowMs);
    if (this.#own !== undefined) {
      const receiver = this.#machine('receiver', this.#own.machineId, nowMs);
      receiver.engine = this.#own.engine;
      receiver.throughput.add(bytes, nowMs);
    }
    this.#throughput.add(bytes, nowMs);
  }

  acknowledged(ack: BlockAck, nowMs: number): void {
    const file = this.#heard(factsOfAck(ack), nowMs);
    const machines = [this.#machine('receiver', ack.machine_id, nowMs)];
    if (ack.sender !== undefined) machines.push(this.#machine('sender', ack.sender, nowMs));
    const sizeBytes = ack.block_size_bytes ?? 0;
    const cameBytes = file.partBytes.get(ack.block_number) ?? 0;
    file.partBytes.delete(ack.block_number);
    if (!ack.success) {
      file.failures += 1;
      file.reason = ack.reason ?? null;
      for (const machine of machines) machine.failures += 1;
      return;
    }
    if (!file.stored.add(ack.block_number)) return;
    file.storedBytes += sizeBytes;
    const newBytes = Math.max(0, sizeBytes - cameBytes);
    for (const machine of machines) {
      machine.blocks += 1;
      machine.bytes += sizeBytes;
      machine.throughput.add(newBytes, nowMs);
    }
    this.#throughput.add(newBytes, nowMs);
    this.#makeRoom();
  }

  /**
   * As it was said while nobody listened: it tells nothing of speeds, nor of who is active. All is
   * heard again after the log was out of reach, and what was not known before is a change.
   */
  acknowledgedBefore(ack: BlockAck, heardMs: number): void {
    if (!ack.success) return;
    const block = { number: ack.block_number, sizeBytes: ack.block_size_bytes ?? 0 };
    const file = this.#restored({ ...factsOfAck(ack), heardMs, blocks: [block] });
    if (file === undefined) return;
    this.#changed.add(file);
  }

  /** What a receiver tells of itself is more than what was heard of it since we listen. */
  status(status: ProcessingStatus, nowMs: number): void {
    const machine = this.#machine('receiver', status.machine_id, nowMs);
    machine.blocks = Math.max(machine.blocks, status.blocks_processed);
    machine.bytes = Math.max(machine.bytes, status.total_bytes);
    machine.failures = Math.max(machine.failures, status.failed_blocks);
  }

  /** @param listedMax transfers, and machines */
  view(nowMs: number, listedMax = filesMax): TransfersView {
    const newest = [...this.#files.values()]
      .sort((one, other) => other.heardMs - one.heardMs)
      .slice(0, listedMax);
    return this.#viewOf(newest, nowMs, listedMax);
  }

  /** As `view`, with the transfers alone that changed since this was asked before; the others wait. Undefined: nothing was heard. */
  changes(nowMs: number, listedMax: number): TransfersView | undefined {
    const changed = [...this.#changed].slice(0, listedMax);
    if (changed.length === 0 && !this.#isMachineNews) return undefined;
    this.#isMachineNews = false;
    for (const file of changed) this.#changed.delete(file);
    return this.#viewOf(changed, nowMs, listedMax);
  }

  #viewOf(files: readonly File[], nowMs: number, machinesMax: number): TransfersView {
    let active = 0;
    for (const file of this.#files.values()) if (stateOf(file, nowMs) === 'active') active += 1;
    return {
      now: nowMs,
      machines: this.#machines.list(nowMs, machinesMax),
      totals: {
        transfers: this.#files.size,
        transfers_active: active,
        ...this.#machines.totals(nowMs),
      },
      bytes_per_second: this.#throughput.bytesPerSecond(nowMs),
      transfers: files.map((file) => viewOf(file, nowMs)),
    };
  }

  #machine(role: MachineRole, id: string, nowMs: number): Machine {
    this.#isMachineNews = true;
    return this.#machines.heard(role, id, nowMs);
  }

  #heard(facts: FileFacts, nowMs: number): File {
    const file = this.#fileOf(facts, nowMs);
    if (nowMs - file.heardMs > activeMs) file.since = { ms: nowMs, bytes: bytesOf(file) };
    file.heardMs = nowMs;
    this.#changed.add(file);
    return file;
  }

  #fileOf(facts: FileFacts, nowMs: number): File {
    const known = this.#files.get(facts.id);
    if (known !== undefined) return known;
    const file: File = {
      ...facts,
      stored: new BlockSet(),
      storedBytes: 0,
      partBytes: new Map(),
      failures: 0,
      reason: null,
      heardMs: nowMs,
      since: { ms: nowMs, bytes: 0 },
    };
    this.#files.set(file.id, file);
    this.#makeRoom();
    return file;
  }

  #makeRoom(): void {
    while (
      this.#files.size > filesMax ||
      (this.#setBytes() > setBytesMax && this.#files.size > 1)
    ) {
      const files = [...this.#files.values()].sort((one, other) => one.heardMs - other.heardMs);
      const oldest = files.find(isDone) ?? files[0];
      if (oldest === undefined) return;
      this.#files.delete(oldest.id);
      this.#changed.delete(oldest);
    }
  }

  #setBytes(): number {
    let bytes = 0;
    for (const { stored } of this.#files.values()) bytes += stored.sizeBytes;
    return bytes;
  }
}

function factsOfChunk(chunk: BlockChunk): FileFacts {
  return {
    id: chunk.transfer_id,
    fileName: chunk.file_name,
    sender: chunk.sender,
    sizeBytes: chunk.file_size_bytes,
    totalBlocks: chunk.total_blocks,
  };
}

/** The old system tells a file by its name alone. */
function factsOfAck(ack: BlockAck): FileFacts {
  return {
    id: ack.transfer_id ?? `name:${ack.file_name}`,
    fileName: ack.file_name,
    sender: ack.sender ?? null,
    sizeBytes: ack.file_size_bytes ?? null,
    totalBlocks: ack.total_blocks ?? null,
  };
}

function isDone({ stored, totalBlocks }: File): boolean {
  return totalBlocks !== null && stored.count >= totalBlocks;
}

function bytesOf({ storedBytes, partBytes }: File): number {
  let bytes = storedBytes;
  for (const part of partBytes.values()) bytes += part;
  return bytes;
}

function stateOf(file: File, nowMs: number): TransferState {
  if (isDone(file)) return 'done';
  return nowMs - file.heardMs <= activeMs ? 'active' : 'waiting';
}

/** At the rate since it was taken up. */
function leftMs(file: File, nowMs: number): number | null {
  const bytes = bytesOf(file);
  const tookMs = nowMs - file.since.ms;
  const cameBytes = bytes - file.since.bytes;
  const isKnown = file.sizeBytes !== null && tookMs >= rateMsMin && cameBytes > 0;
  if (!isKnown || stateOf(file, nowMs) !== 'active') return null;
  return Math.round((Math.max(0, (file.sizeBytes ?? 0) - bytes) * tookMs) / cameBytes);
}

function viewOf(file: File, nowMs: number): TransferView {
  return {
    id: file.id,
    file_name: file.fileName,
    sender: file.sender,
    size_bytes: file.sizeBytes,
    total_blocks: file.totalBlocks,
    state: stateOf(file, nowMs),
    blocks: file.stored.count,
    bytes: bytesOf(file),
    failures: file.failures,
    reason: file.reason,
    heard_ms: file.heardMs,
    left_ms: leftMs(file, nowMs),
  };
}
