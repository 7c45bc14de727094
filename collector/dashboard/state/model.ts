/**
 * The page's state and its only way in: the address says what to show, REST gives what was, the event
 * stream gives what is. Components read it in a frame and never change it.
 */
import type { Events } from '../../api/contract.ts';
import { firedText } from '../lib/alerts.ts';
import {
  formatRoute,
  parseRoute,
  pathOf,
  type Range,
  type Route,
  type View,
} from '../lib/route.ts';
import { AlertsState } from './alerts.ts';
import {
  getFleet,
  getFleetSeries,
  getIntake,
  getServer,
  getServerSeries,
  getTransfers,
  isUnknown,
} from './api.ts';
import { CollectorClock } from './clock.ts';
import { ExplainedAlert } from './explained.ts';
import { FleetState } from './fleet.ts';
import { Frame } from './frame.ts';
import { IntakeState } from './intake.ts';
import { Live, type LiveEvent } from './live.ts';
import { Loader, retryMs } from './loader.ts';
import { MachineState } from './machine.ts';
import { Notices } from './notices.ts';
import { TransfersState } from './transfers.ts';

/** History is read again this often: late samples and maxima that left the range come right. */
const refreshMs = 60_000;
const tickMs = 1_000;
/** Rows that arrive while REST answers are kept for after it; a second brings a few hundred at most. */
const waitingRowsMax = 50_000;

export class Model {
  readonly frame = new Frame();
  readonly clock = new CollectorClock();
  readonly notices = new Notices(this.frame.request);
  route: Route = parseRoute(location.hash);
  fleet = new FleetState(this.route.range);
  machine: MachineState | null = null;
  /** Those of all servers. */
  readonly alerts = new AlertsState(null);
  readonly transfers = new TransfersState();
  readonly intake = new IntakeState();
  /** What the list of alerts shows: all of them, or those of one server. */
  listed = this.alerts;
  explained: ExplainedAlert | null = null;
  readonly #live = new Live({
    onEvent: (event) => this.#onEvent(event),
    onFresh: () => this.#load(),
    onConnection: this.frame.request,
  });
  readonly #loader = new Loader({
    read: (signal) => this.#read(signal),
    refreshMs: () => refreshMs,
    changed: this.frame.request,
  });
  #waiting: Events['samples'][number][] = [];

  get connection(): Live['connection'] {
    return this.#live.connection;
  }

  /** Why the newest load failed, for people. */
  get problem(): string | null {
    return this.#loader.problem ?? this.explained?.loader.problem ?? null;
  }

  start(): void {
    addEventListener('hashchange', () => this.#show(parseRoute(location.hash)));
    document.addEventListener('visibilitychange', this.frame.request);
    setInterval(() => this.#tick(), tickMs);
    this.#explain();
    this.#narrow();
    this.#follow();
  }

  /** Changes the address. `replace` for what is no step that a person would want to go back to. */
  go(change: Partial<Route>, replace = false): void {
    const hash = formatRoute({ ...this.route, ...change });
    if (replace) history.replaceState(null, '', hash);
    else location.hash = hash;
    this.#show(parseRoute(hash));
  }

  #show(route: Route): void {
    const before = this.route;
    this.route = route;
    this.frame.request();
    const moved = pathOf(route.view) !== pathOf(before.view);
    if (moved) this.#explain();
    const narrowed = this.#narrow();
    if (serverOf(route.view) !== serverOf(before.view)) this.#follow();
    else if (moved || narrowed || route.range !== before.range) this.#load();
  }

  /** Opens the stream for what is shown; its first event of life loads the rest. */
  #follow(): void {
    const server = serverOf(this.route.view);
    this.machine = server === null ? null : new MachineState(server, this.route.range);
    this.#live.open(server);
    this.#loader.stop();
    this.#loader.loadLater(retryMs);
    this.explained?.loader.loadLater(retryMs);
  }

  #explain(): void {
    const { view } = this.route;
    this.explained?.loader.stop();
    this.explained = view.page === 'alert' ? new ExplainedAlert(view.id, this.frame.request) : null;
  }

  /** Answers whether the list of alerts is another now. */
  #narrow(): boolean {
    const { view } = this.route;
    const server = view.page === 'alerts' ? view.server : null;
    if (server === this.listed.server) return false;
    this.listed = server === null ? this.alerts : new AlertsState(server);
    return true;
  }

  #load(): void {
    this.#loader.load();
    this.explained?.loader.load();
  }

  async #read(signal: AbortSignal): Promise<void> {
    const alerts = [...new Set([this.alerts, this.listed])];
    await Promise.all([...alerts.map((each) => each.read(signal)), this.#readMain(signal)]);
    const waiting = this.#waiting.filter(([id, ts]) => this.#isNews(id, ts));
    this.#waiting = [];
    if (waiting.length > 0) this.fleet.addSamples(waiting, this.clock.now());
  }

  async #readMain(signal: AbortSignal): Promise<void> {
    const { view, range } = this.route;
    if (view.page === 'server') await this.#readServer(view.id, range, signal);
    else if (view.page === 'fleet') await this.#readFleet(range, signal);
    else await this.#readView(signal);
  }

  async #readView(signal: AbortSignal): Promise<void> {
    const [view, intake] = await Promise.all([getFleet(signal), getIntake(signal)]);
    this.clock.set(view.now);
    this.fleet.loadView(view);
    this.intake.load(intake);
  }

  async #readFleet(range: Range, signal: AbortSignal): Promise<void> {
    const [series, transfers] = await Promise.all([
      getFleetSeries(range, signal),
      getTransfers(signal),
      this.#readView(signal),
    ]);
    this.transfers.load(transfers);
    this.fleet.loadSeries(series, range, this.clock.now());
  }

  async #readServer(id: number, range: Range, signal: AbortSignal): Promise<void> {
    try {
      const [view, series] = await Promise.all([
        getServer(id, signal),
        getServerSeries(id, range, signal),
        this.#readView(signal),
      ]);
      const before = this.machine;
      const machine = before?.range === range ? before : new MachineState(id, range);
      machine.load(view, series);
      this.machine = machine;
    } catch (error) {
      if (!isUnknown(error) || this.machine === null) throw error;
      this.machine.problem = 'The collector knows no such server.';
    }
  }

  #isNews(id: number | null | undefined, ts: number | null | undefined): boolean {
    const server = typeof id === 'number' ? this.fleet.servers.get(id) : undefined;
    return server !== undefined && typeof ts === 'number' && ts > server.ts;
  }

  #onEvent(event: LiveEvent): void {
    switch (event.name) {
      case 'samples':
        this.#onSamples(event.body);
        break;
      case 'detail':
        this.machine?.addDetail(event.body);
        break;
      case 'server':
        this.fleet.setServer(event.body);
        this.machine?.setSummary(event.body);
        break;
      case 'alerts':
        this.#onAlerts(event.body);
        break;
      case 'transfers':
        this.transfers.update(event.body);
        break;
      case 'intake':
        this.intake.load(event.body);
        break;
      case 'notice':
        this.notices.add(event.body.ts, event.body.text);
        break;
      case 'reset':
        this.#load();
        break;
    }
    this.frame.request();
  }

  #onSamples(rows: Events['samples']): void {
    if (this.#loader.isReading && this.#waiting.length < waitingRowsMax) {
      this.#waiting.push(...rows);
    }
    for (const row of rows) this.machine?.addRow(row);
    if (!this.fleet.addSamples(rows, this.clock.now()) && !this.#loader.isReading) {
      this.#loader.loadLater(tickMs);
    }
  }

  #onAlerts(alerts: Events['alerts']): void {
    const fired = this.alerts.update(alerts);
    if (this.listed !== this.alerts) this.listed.update(alerts);
    if (fired.length > 0) this.notices.add(this.clock.now(), firedText(fired));
    this.explained?.update(alerts);
  }

  /** The newest sample that the shown view holds. */
  get newestTs(): number {
    return this.machine?.sample?.ts ?? this.fleet.newestTs;
  }

  #tick(): void {
    const now = this.clock.now();
    this.fleet.tick(now);
    this.machine?.tick(now);
    this.frame.request();
  }
}

/** The server that is followed whole. */
function serverOf(view: View): number | null {
  return view.page === 'server' ? view.id : null;
}
