import { defineConfig } from 'vitest/config';

// `unit` stands beside the code and is quick; `whole` crosses folders: real processes, real files, a real browser;
// `chaos` is a lane of its own: many seeded runs of real processes under faults.
export default defineConfig({
  test: {
    reporters: ['default', './tests/support/summary-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{runtime,wire,agent,collector,scripts,bench}/**/*.test.ts',
            'tests/tidy/**/*.test.ts',
          ],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'whole',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/tidy/**', 'tests/chaos/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // These start processes of their own; two at a time is what two cores carry without starving a timer.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['tests/chaos/**/*.test.ts'],
          hookTimeout: 60_000,
          // Runs at a time: each is mostly waiting, and its processes carry the load.
          maxConcurrency: 10,
          maxWorkers: 1,
        },
      },
    ],
  },
});
