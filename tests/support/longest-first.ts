/**
 * Files that mostly wait come first: begun last, they would be waited for alone. From its own last
 * run Vitest knows which take long; in a fresh clone it goes by the size of the file, and these are
 * small.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONGEST = [
  ...['clone', 'wrong-clock', 'alerts', 'systemd-running', 'restart'].map((name) => `e2e/${name}`),
  ...['broker-faults', 'outage', 'rolling-collectors'].map((name) => `kafka/${name}`),
].map((name) => `/tests/${name}.test.ts`);

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(takesLong), ...sorted.filter((file) => !takesLong(file))];
  }
}

function takesLong({ moduleId }: TestSpecification): boolean {
  return LONGEST.some((end) => moduleId.endsWith(end));
}
