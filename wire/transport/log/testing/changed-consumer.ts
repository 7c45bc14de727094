import type { GroupConsumer } from '../port.ts';

type Methods = Pick<GroupConsumer, 'run' | 'commit'>;

/** The consumer with some of what it does done otherwise. */
export function changedConsumer(consumer: GroupConsumer, changes: Partial<Methods>): GroupConsumer {
  return {
    get ownsShare() {
      return consumer.ownsShare;
    },
    run: (handler, signal) => consumer.run(handler, signal),
    commit: (offsets, signal) => consumer.commit(offsets, signal),
    ...changes,
  };
}
