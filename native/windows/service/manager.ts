/** Installs the single file as a service of Windows, handles it and takes it away again. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { win32 } from 'node:path';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { accountOf } from './account.ts';
import { asAdministrator, attempt } from './attempt.ts';
import { commandLineOf } from './command-line.ts';
import { ServiceControl, type Waits, type Windows } from './control.ts';
import { type Places, serviceName } from './places.ts';
import { STOPPED } from './state.ts';

export interface WindowsService {
  /** `agent` or `collector` */
  readonly program: string;
  /** For the list of services. */
  readonly about: string;
  /**
   * Who it is: the system itself, or an account of its own that may read and write its folder and
   * do what any user may.
   */
  readonly account: 'system' | 'own';
}

type Say = (line: string) => void;

export class ServiceManager {
  readonly control: ServiceControl;
  readonly #addon: Windows;
  readonly #service: WindowsService;
  readonly #name: string;
  readonly #places: Places;
  readonly #say: Say;

  constructor(addon: Windows, service: WindowsService, places: Places, say: Say, waits?: Waits) {
    this.#addon = addon;
    this.#service = service;
    this.#name = serviceName(service.program);
    this.#places = places;
    this.#say = say;
    this.control = new ServiceControl(addon, this.#name, places.folder.log, say, waits);
  }

  /** @throws WindrowError `refused` when this user may not change services */
  checkMayChange(): void {
    if (attempt('ask for the services', () => this.#addon.mayChangeServices())) return;
    throw new WindrowError('refused', 'services are for administrators to change', {
      hint: asAdministrator,
    });
  }

  /**
   * Stops the service if it is there, puts `executable` in its place, and starts it. When that
   * cannot be done, what is installed runs on, or again.
   * @param configure writes what is to be in the folder that is for the service and administrators alone
   * @throws WindrowError `refused` when Windows does not do what it is asked
   */
  async install(executable: string, configure: () => void): Promise<void> {
    const before = this.control.state();
    const fresh = `${this.#places.executable}.new`;
    try {
      const isNew = this.#writeFresh(executable, fresh);
      if (before !== undefined) await this.control.stop();
      if (isNew) this.#place(fresh);
      this.#makeFolders();
      attempt('write its settings', configure);
      attempt('name it in the event log', () => this.#addon.addEventSource(this.#name));
      this.#register(before === undefined ? 'installed' : 'updated');
    } catch (error) {
      await this.#goBack(fresh, before !== undefined && before.state !== STOPPED);
      throw error;
    }
    await this.control.start();
    this.#say('it starts with the machine');
  }

  /**
   * Goes on where one before it could not.
   * @param purge whether its data and settings go too
   * @throws WindrowError `usage` when nothing of it is there, `refused`
   */
  async uninstall(purge: boolean): Promise<void> {
    const { executable, folder, above } = this.#places;
    const left = purge ? [executable, folder.path] : [executable];
    if (this.control.state() !== undefined || !left.some((path) => existsSync(path))) {
      await this.control.stop();
      attempt(`remove ${this.#name}`, () => this.#addon.removeService(this.#name));
      this.#say(`removed the service ${this.#name}`);
    }
    attempt('remove it from the event log', () => this.#addon.removeEventSource(this.#name));
    if (isSame(executable, process.execPath)) {
      this.#say(`${executable} runs this very verb: delete it afterwards`);
    } else {
      attempt(`remove ${executable}`, () => rmSync(executable, { force: true }));
      this.#say(`removed ${executable}`);
    }
    if (!purge) return;
    attempt(`remove ${folder.path}`, () => {
      rmSync(folder.path, { recursive: true, force: true });
      if (existsSync(above) && readdirSync(above).length === 0) rmdirSync(above);
    });
    this.#say(`removed ${folder.path}`);
  }

  /** As this version has it, also where an older one has registered it otherwise. */
  #register(how: 'installed' | 'updated'): void {
    const { executable, folder } = this.#places;
    const command = commandLineOf([executable, 'service', 'run', folder.path]);
    const { program, about, account } = this.#service;
    const user = account === 'own' ? accountOf(this.#name).name : '';
    const taken = attempt(`install ${this.#name}`, () =>
      this.#addon.installService(this.#name, `windrow ${program}`, about, command, user),
    );
    this.#say(`${how} the service ${this.#name}`);
    if (!taken.restarts) this.#say('this Windows will not start it again when it fails');
    if (!taken.awaited)
      this.#say('this Windows may end it before it has stopped when it shuts down');
  }

  /** @returns false when it is installed from its own place */
  #writeFresh(from: string, fresh: string): boolean {
    const { executable } = this.#places;
    if (isSame(executable, from)) return false;
    attempt(`write ${fresh}`, () => {
      mkdirSync(win32.dirname(executable), { recursive: true });
      copyFileSync(from, fresh);
    });
    return true;
  }

  #place(fresh: string): void {
    const { executable } = this.#places;
    attempt(`write ${executable}`, () => renameSync(fresh, executable));
    this.#say(`wrote ${executable}`);
  }

  #makeFolders(): void {
    const { folder, above } = this.#places;
    const also = this.#service.account === 'own' ? accountOf(this.#name).sid : '';
    attempt(`make ${above}`, () => this.#addon.makePrivateFolder(above, ''));
    for (const path of [folder.path, folder.data, folder.code]) {
      attempt(`make ${path}`, () => this.#addon.makePrivateFolder(path, also));
    }
  }

  /** After an error, which is what people are told in the end; what fails here is a line before. */
  async #goBack(fresh: string, ran: boolean): Promise<void> {
    try {
      rmSync(fresh, { force: true });
      if (ran) await this.control.start();
    } catch (error) {
      this.#say(messageOf(error));
    }
  }
}

/** Names on Windows differ by more than the case of their letters. */
function isSame(a: string, b: string): boolean {
  return win32.resolve(a).toLowerCase() === win32.resolve(b).toLowerCase() && existsSync(a);
}
