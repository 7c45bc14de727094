import { defineConfig } from 'vitest/config';

// `unit` stands beside the code and is quick; `whole` crosses folders: real processes, real files, a real browser.
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
          exclude: ['tests/tidy/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // These start processes of their own; two at a time is what two cores carry without starving a timer.
          maxWorkers: 2,
        },
      },
    ],
  },
});
