/** Everybody in a run: processes, the links between them, and whoever gets notifications. */
import { join } from 'node:path';
import { AgentActor } from './agent-actor.ts';
import { CollectorActor } from './collector-actor.ts';
import { Dice } from './dice.ts';
import { Link } from './link.ts';
import { Receiver } from './receiver.ts';
import type { Schedule } from './schedule.ts';
import { alertsFile } from './settings.ts';

export interface RunOptions {
  readonly schedule: Schedule;
  /** An empty folder. */
  readonly folder: string;
  /** Of all processes. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly collector: CollectorActor;
  readonly receiver: Receiver;
  readonly agents: readonly { readonly actor: AgentActor; readonly link: Link }[];
}

/** Sets everybody up and starts nobody; what was set up is handed to `cleanUp`. */
export async function setUp(
  { schedule, folder, env }: RunOptions,
  cleanUp: AsyncDisposableStack,
): Promise<Stage> {
  const receiver = cleanUp.use(await Receiver.open());
  const collector = cleanUp.use(
    new CollectorActor({
      folder: join(folder, 'collector'),
      needsDisk: schedule.collector.some(({ kind }) => kind === 'disk-full'),
      alerts: alertsFile(receiver.url, schedule.silence),
      env,
    }),
  );
  const dice = new Dice(schedule.seed);
  const agents: Stage['agents'][number][] = [];
  for (const plan of schedule.agents) {
    const link = cleanUp.use(
      await Link.open({
        weather: plan.weather,
        dice: dice.stream(plan.serverId),
        target: () => collector.url,
      }),
    );
    const actor = cleanUp.use(
      new AgentActor({ plan, folder: join(folder, plan.serverId), to: link.url, env }),
    );
    agents.push({ actor, link });
  }
  return { collector, receiver, agents };
}
