/** A PC without Java: brokers that are there already are used (`KAFKA_BROKERS`), and in CI a lack of them is a failure. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { suiteBrokers, suiteKafkaMissing } from './support/kafka.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = 'node_modules/vitest/vitest.mjs';
/** Vitest starts beside other tests. */
const runMsMax = 180_000;
const testMsMax = 2 * runMsMax;

/** The suite with one of its files. @param env what is set beside a PATH with neither Java nor Maven */
async function runSuite(env: Readonly<Record<string, string>>) {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(CI$|VITEST|PATH$|KAFKA_BROKERS$)/.test(name),
  );
  const args = [VITEST, 'run', '--project', 'kafka', 'tests/kafka/suite.test.ts'];
  const options = {
    cwd: ROOT,
    env: { ...Object.fromEntries(own), PATH: '', ...env },
    timeout: runMsMax,
  };
  return promisify(execFile)(process.execPath, args, options);
}

describe('brokers that are there already', { timeout: testMsMax }, () => {
  it.skipIf(suiteKafkaMissing)('are used by tests on a PC that could start none', async () => {
    const { stdout } = await runSuite({ KAFKA_BROKERS: suiteBrokers().join(',') });
    expect(stdout).toContain('1 passed, 0 failed, 0 skipped');
  });

  it('are not there, nor Java: in CI that is a failure, and no skip', async () => {
    await expect(runSuite({ CI: 'true' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Apache Kafka needs Java 17 or newer: there is none in PATH'),
    });
  });
});
