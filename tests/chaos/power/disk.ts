/**
 * What a disk may hold after the power failed. A sync puts on it what had been written to that file
 * or folder before the sync began; of what was written since, any part may be there. What is written
 * to a folder are its entries: made, renamed, removed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { Dice } from '../dice.ts';
import type { Change, SystemCall } from './system-calls.ts';

/** What a disk writes whole or not at all. */
const sectorBytes = 512;

/** What of the changes that were not synced is there; `torn`: the last one only in part. */
const FATES = ['none', 'all', 'first', 'some', 'torn', 'sectors'] as const;
export type Fate = (typeof FATES)[number];

export class Disk {
  readonly #root: string;
  readonly #folder = new DiskFolder();
  /** What each running call does when it is done. */
  readonly #running = new Map<string, { readonly isSync: boolean; readonly done: () => void }>();

  /** @param root a folder that is on the disk, and empty */
  constructor(root: string) {
    this.#root = root;
  }

  carryOut(call: SystemCall): void {
    if (call.phase === 'begin') {
      const { change } = call;
      const isSync = change.kind === 'sync';
      // A sync is of what is there when it begins.
      const done = isSync ? this.#entry(change.path).sync() : () => this.#change(change);
      this.#running.set(call.id, { isSync, done });
      return;
    }
    if (!call.failed) this.#running.get(call.id)?.done();
    this.#running.delete(call.id);
  }

  get isSyncing(): boolean {
    return this.#running.values().some(({ isSync }) => isSync);
  }

  /** What the disk may hold if the power fails now, into an empty folder. @returns each one's fate */
  writeTo(folder: string, dice: Dice): Map<string, Fate> {
    const fates = new Map<string, Fate>();
    const draw = (name: string): Fate => {
      const fate = dice.pick(FATES);
      fates.set(name, fate);
      return fate;
    };
    const write = (from: DiskFolder, to: string): void => {
      for (const [name, entry] of from.after(draw(relative(folder, to)), dice)) {
        const path = join(to, name);
        if (entry instanceof DiskFile) {
          writeFileSync(path, entry.after(draw(relative(folder, path)), dice));
        } else {
          mkdirSync(path);
          write(entry, path);
        }
      }
    };
    write(this.#folder, folder);
    return fates;
  }

  #change(change: Exclude<Change, { readonly kind: 'sync' }>): void {
    const { kind, path } = change;
    if (kind === 'write' || kind === 'truncate') {
      const file = this.#entry(path);
      if (!(file instanceof DiskFile)) throw new Error(`${path} is no file`);
      return file.change(change);
    }
    const folder = this.#entry(dirname(path));
    if (!(folder instanceof DiskFolder)) throw new Error(`${path} is in no folder`);
    const name = basename(path);
    if (kind === 'create') folder.create(name, change.isFolder ? new DiskFolder() : new DiskFile());
    else if (kind === 'remove') folder.change([[name, undefined]]);
    else if (kind === 'rename') {
      folder.change([
        [name, undefined],
        [basename(change.to), this.#entry(path)],
      ]);
    } else throw new Error(`${path} is written without a place`);
  }

  #entry(path: string): DiskFile | DiskFolder {
    let entry: DiskFile | DiskFolder = this.#folder;
    for (const name of relative(this.#root, path).split(sep).filter(Boolean)) {
      const next: DiskFile | DiskFolder | undefined =
        entry instanceof DiskFolder ? entry.entries.get(name) : undefined;
      if (next === undefined) throw new Error(`${path} was never made`);
      entry = next;
    }
    return entry;
  }
}

/** What was done to one file or folder and is not on the disk for sure, oldest first. */
class Unsynced<T> {
  readonly changes: T[] = [];
  /** Of all changes ever, those that are on the disk. */
  #gone = 0;

  /** @returns what takes out, once the sync is done, all that was there when it began */
  sync(): () => T[] {
    const through = this.#gone + this.changes.length;
    return () => {
      // Another sync may have ended meanwhile.
      const gone = this.changes.splice(0, Math.max(0, through - this.#gone));
      this.#gone += gone.length;
      return gone;
    };
  }
}

type FileChange = Extract<Change, { readonly kind: 'write' | 'truncate' }>;

class DiskFile {
  readonly #unsynced = new Unsynced<FileChange>();
  #synced: Buffer = Buffer.alloc(0);

  change(change: FileChange): void {
    this.#unsynced.changes.push(change);
  }

  sync(): () => void {
    const take = this.#unsynced.sync();
    return () => {
      this.#synced = changed(this.#synced, take());
    };
  }

  after(fate: Fate, dice: Dice): Buffer {
    const { changes } = this.#unsynced;
    if (fate !== 'sectors') {
      const { left, next } = survivors(changes, fate, dice);
      const cut = fate === 'torn' && next?.kind === 'write' ? [torn(next, dice)] : [];
      return changed(this.#synced, [...left, ...cut]);
    }
    const all = changed(this.#synced, changes);
    const mixed = Buffer.alloc(dice.pick([this.#synced.length, all.length]));
    for (let at = 0; at < mixed.length; at += sectorBytes) {
      dice
        .pick([this.#synced, all])
        .subarray(at, at + sectorBytes)
        .copy(mixed, at);
    }
    return mixed;
  }
}

function changed(before: Buffer, changes: readonly FileChange[]): Buffer {
  const ends = changes.map((change) => (change.kind === 'write' ? endOf(change) : 0));
  const bytes = Buffer.alloc(Math.max(before.length, ...ends));
  before.copy(bytes);
  let size = before.length;
  for (const change of changes) {
    if (change.kind === 'write') {
      change.bytes.copy(bytes, change.at);
      size = Math.max(size, endOf(change));
    } else {
      // What is cut off comes back as zeros.
      bytes.fill(0, Math.min(size, change.size));
      size = change.size;
    }
  }
  return bytes.subarray(0, size);
}

function endOf({ at, bytes }: FileChange & { readonly kind: 'write' }): number {
  return at + bytes.length;
}

function torn(change: FileChange & { readonly kind: 'write' }, dice: Dice) {
  const { at, bytes } = change;
  const firstSector = Math.floor(at / sectorBytes);
  const endSector = dice.between(firstSector, Math.floor((endOf(change) - 1) / sectorBytes));
  return { ...change, bytes: bytes.subarray(0, Math.max(0, endSector * sectorBytes - at)) };
}

type Entry = DiskFile | DiskFolder;
/** Undefined: removed. What belongs to one change happens together. */
type FolderChange = readonly (readonly [name: string, entry: Entry | undefined])[];

class DiskFolder {
  /** As programs see it. */
  readonly entries = new Map<string, Entry>();
  readonly #unsynced = new Unsynced<FolderChange>();
  readonly #synced = new Map<string, Entry>();

  create(name: string, entry: Entry): void {
    if (!this.entries.has(name)) this.change([[name, entry]]);
  }

  change(change: FolderChange): void {
    apply(this.entries, change);
    this.#unsynced.changes.push(change);
  }

  sync(): () => void {
    const take = this.#unsynced.sync();
    return () => {
      for (const change of take()) apply(this.#synced, change);
    };
  }

  after(fate: Fate, dice: Dice): Map<string, Entry> {
    const entries = new Map(this.#synced);
    for (const change of survivors(this.#unsynced.changes, fate, dice).left) apply(entries, change);
    return entries;
  }
}

function apply(entries: Map<string, Entry>, change: FolderChange): void {
  for (const [name, entry] of change) {
    if (entry === undefined) entries.delete(name);
    else entries.set(name, entry);
  }
}

/** Which of the changes are left, and the one behind the last of them. */
function survivors<T>(changes: readonly T[], fate: Fate, dice: Dice): { left: T[]; next?: T } {
  if (fate === 'none') return { left: [] };
  if (fate === 'all') return { left: [...changes] };
  if (fate === 'some' || fate === 'sectors') {
    return { left: changes.filter(() => dice.chance(0.5)) };
  }
  const count = dice.between(0, changes.length);
  const next = changes[count];
  return { left: changes.slice(0, count), ...(next === undefined ? {} : { next }) };
}
