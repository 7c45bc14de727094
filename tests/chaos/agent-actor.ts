/** One agent of a run over all its starts, its disk and its clock. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from '../support/http.ts';
import { type Script, startScript } from '../support/programs.ts';
import { type SmallDisk, smallDisk } from '../support/small-disk.ts';
import { damageQueue, recordsWaiting } from './queue-file.ts';
import type { AgentPlan, QueueFault } from './schedule.ts';
import { noted, startOf } from './script.ts';
import type { ClockStep, ScriptedAgent } from './scripted-agent.ts';

const diskKib = 4 * 1024;
/** What an agent logs once it runs. */
const begun = 'agent samples';

export interface AgentActorOptions {
  readonly plan: AgentPlan;
  /** A folder of its own. */
  readonly folder: string;
  /** Where it sends to. */
  readonly to: string;
  readonly env: Readonly<Record<string, string>>;
}

export class AgentActor implements AsyncDisposable {
  readonly plan: AgentPlan;
  /** What went wrong with its processes. */
  readonly complaints: string[] = [];
  readonly #options: AgentActorOptions;
  readonly #dataDir: string;
  readonly #disk: SmallDisk | undefined;
  #script: Script | undefined;
  #start = 0;
  #clockOffsetMs = 0;
  #diskFull = false;
  /** Its disk was full at some time since the start: what is in memory alone ends with the process. */
  #wasFull = false;
  #losableThroughStart = 0;
  #log = '';

  constructor(options: AgentActorOptions) {
    this.#options = options;
    this.plan = options.plan;
    mkdirSync(options.folder);
    const needsDisk = options.plan.faults.some(({ kind }) => kind === 'disk-full');
    this.#disk = needsDisk ? smallDisk(diskKib) : undefined;
    this.#dataDir = join(this.#disk?.path ?? options.folder, 'data');
  }

  get serverId(): string {
    return this.plan.serverId;
  }

  get clockStepped(): boolean {
    return this.plan.faults.some(({ kind }) => kind === 'clock-stepped');
  }

  get pid(): number | undefined {
    return this.#script?.pid;
  }

  get log(): string {
    return this.#log + (this.#script?.log() ?? '');
  }

  /** Samples that the outbox has taken, by number. */
  get noted(): number[] {
    return noted(this.#journal);
  }

  get losable(): boolean {
    return this.#losableThroughStart > 0;
  }

  /** Whether the sample of that number may be lost: its queue was damaged, or held in memory alone. */
  mayLose(number: number): boolean {
    return startOf(number) <= this.#losableThroughStart;
  }

  start(): void {
    this.#start += 1;
    this.#wasFull = this.#diskFull;
    const script: ScriptedAgent = {
      to: this.#options.to,
      serverId: this.plan.serverId,
      dataDir: this.#dataDir,
      intervalMs: this.plan.intervalMs,
      start: this.#start,
      journal: this.#journal,
      clockOffsetMs: this.#clockOffsetMs,
    };
    const { folder: cwd, env } = this.#options;
    this.#script = startScript('tests/chaos/scripted-agent.ts', [JSON.stringify(script)], {
      cwd,
      env,
    });
  }

  async kill(): Promise<void> {
    await this.#end(async (script) => {
      await script.kill();
    });
  }

  async stop(): Promise<void> {
    await this.#end(async (script) => {
      const code = await script.stop();
      // Before it listens to signals it ends by them.
      const hadStarted = script.log().includes(begun);
      if (code === 0 || (code === null && !hadStarted)) return;
      this.complaints.push(`asked to stop it ended with code ${code}`);
    });
  }

  /** Records that a start left for the next one. */
  get left(): number {
    return recordsWaiting(this.#dataDir);
  }

  damageQueue(fault: QueueFault): void {
    damageQueue(this.#dataDir, fault);
    this.#losableThroughStart = this.#start;
  }

  /** Once it has run: a first start on a full disk cannot make its folder its own, and ends. */
  async fillDisk(): Promise<void> {
    await eventually(async () => expect(this.log).toContain(begun));
    this.#disk?.fill();
    this.#diskFull = true;
    this.#wasFull = true;
  }

  makeRoom(): void {
    this.#disk?.makeRoom();
    this.#diskFull = false;
  }

  stepClock(byMs: number): void {
    this.#clockOffsetMs += byMs;
    const step: ClockStep = { clockOffsetMs: this.#clockOffsetMs };
    this.#script?.send(step);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#disk?.[Symbol.dispose]();
  }

  get #journal(): string {
    return join(this.#options.folder, 'journal');
  }

  async #end(how: (script: Script) => Promise<void>): Promise<void> {
    const script = this.#script;
    if (script === undefined) return;
    const ending = script.endedByItself();
    if (ending !== undefined) this.complaints.push(`ended by itself with ${ending}`);
    await how(script);
    this.#script = undefined;
    this.#log = `${this.#log}${script.log()}--- start ${this.#start} ended\n`;
    if (this.#wasFull) this.#losableThroughStart = this.#start;
  }
}
