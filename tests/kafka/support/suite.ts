/** One broker for the whole suite, or those of `KAFKA_BROKERS`. */
import type { TestProject } from 'vitest/node';
import { kafkaMissing, startCluster } from './kafka.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: readonly string[];
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['KAFKA_BROKERS'];
  if (given) {
    project.provide('kafkaBrokers', given.split(','));
    return async () => {};
  }
  // Its tests are skipped then.
  if (kafkaMissing) {
    project.provide('kafkaBrokers', []);
    return async () => {};
  }
  const cluster = await startCluster();
  project.provide('kafkaBrokers', cluster.brokers);
  return () => cluster[Symbol.asyncDispose]();
}
