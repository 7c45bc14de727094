/** The collector of a run over all its starts, and its disk. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/lifecycle.ts';
import { type RunningCollector, startCollector } from '../support/programs.ts';
import { type SmallDisk, smallDisk } from '../support/small-disk.ts';
import { collectorEnv } from './settings.ts';

const diskKib = 16 * 1024;
/** A collector that cannot start on a full disk is started again and again, as a service manager would. */
const restartMs = 300;

export interface CollectorActorOptions {
  /** A folder of its own. */
  readonly folder: string;
  readonly needsDisk: boolean;
  /** Text of alerts.yaml. */
  readonly alerts: string;
  readonly env: Readonly<Record<string, string>>;
}

export class CollectorActor implements AsyncDisposable {
  /** What went wrong with its processes. */
  readonly complaints: string[] = [];
  readonly dataDir: string;
  /** It was killed, or its disk full: what it did last may not be written down. */
  mayForget = false;
  readonly #env: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #disk: SmallDisk | undefined;
  #running: RunningCollector | undefined;
  #diskFull = false;
  /** How often its disk has become full. */
  #fills = 0;
  #log = '';

  constructor({ folder, needsDisk, alerts, env }: CollectorActorOptions) {
    mkdirSync(folder);
    this.#folder = folder;
    this.#disk = needsDisk ? smallDisk(diskKib) : undefined;
    this.dataDir = join(this.#disk?.path ?? folder, 'data');
    const alertsPath = join(folder, 'alerts.yaml');
    writeFileSync(alertsPath, alerts);
    this.#env = { ...env, ...collectorEnv, WINDROW_ALERTS: alertsPath };
  }

  /** `http://127.0.0.1:port`, or undefined while it does not run. */
  get url(): string | undefined {
    return this.#running?.url.replace('localhost', '127.0.0.1');
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  get log(): string {
    return this.#log + (this.#running?.log() ?? '');
  }

  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const fills = this.#diskFull ? -1 : this.#fills;
      try {
        const { dataDir } = this;
        this.#running = await startCollector({ dataDir, cwd: this.#folder, env: this.#env });
        return;
      } catch (error) {
        if (fills === this.#fills) throw error;
        this.#log += `${messageOf(error)}\n`;
        await pause(restartMs, signal);
      }
    }
  }

  async kill(): Promise<void> {
    this.mayForget = true;
    await this.#end(async (running) => {
      await running.kill();
    });
  }

  async stop(): Promise<void> {
    await this.#end(async (running) => {
      const code = await running.stop();
      if (code !== 0) this.complaints.push(`asked to stop it ended with code ${code}`);
    });
  }

  fillDisk(): void {
    this.#disk?.fill();
    this.#diskFull = true;
    this.#fills += 1;
    this.mayForget = true;
  }

  makeRoom(): void {
    this.#disk?.makeRoom();
    this.#diskFull = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#disk?.[Symbol.dispose]();
  }

  async #end(how: (running: RunningCollector) => Promise<void>): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const ending = running.endedByItself();
    if (ending !== undefined) this.complaints.push(`ended by itself with ${ending}`);
    this.#running = undefined;
    await how(running);
    this.#log = `${this.#log}${running.log()}--- ended\n`;
  }
}
