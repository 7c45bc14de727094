/** How topics let go of what is old: the wrong way loses records, and no broker says so. */
import type { TopicSpec } from '../log/port.ts';
import type { TopicSettings } from './described.ts';

export const CLEANUP_SETTINGS = ['cleanup.policy', 'min.compaction.lag.ms'] as const;

export interface TopicTrouble {
  readonly topic: string;
  readonly what: string;
  /** What a person does about it. */
  readonly mend: string;
}

/** @param settings of the topic as it is; undefined: they may not be seen */
export function cleanupTrouble(
  { name: topic, settings: wanted }: TopicSpec,
  settings: TopicSettings | undefined,
): TopicTrouble | undefined {
  const policy = settings?.get('cleanup.policy') ?? '';
  if (wanted['cleanup.policy'] !== 'compact') {
    if (!policy.includes('compact')) return undefined;
    return {
      topic,
      what: `cleanup.policy is ${policy}, so of each key all but the newest record gets lost`,
      mend: altered(topic, { 'cleanup.policy': 'delete' }),
    };
  }
  // All at once: compacted without its lag, a topic would lose what it still has.
  const mend = altered(topic, wanted);
  if (policy.includes('delete')) {
    return { topic, what: `cleanup.policy is ${policy}, so what gets old is lost`, mend };
  }
  const lag = settings?.get('min.compaction.lag.ms');
  if (Number(lag) < Number(wanted['min.compaction.lag.ms'] ?? 0)) {
    const what = `min.compaction.lag.ms is ${lag}, so who was away does not get all`;
    return { topic, what, mend };
  }
  return undefined;
}

/** The command that gives a topic these settings. */
export function altered(
  topic: string,
  settings: Readonly<Record<string, string | number>>,
): string {
  const all = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return `kafka-configs.sh --alter --topic ${topic} --add-config ${all.join(',')}`;
}
