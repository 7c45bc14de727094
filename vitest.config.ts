import { defineConfig } from 'vitest/config';
import LongestFirst from './tests/support/longest-first.ts';

const endsWhatIsLeft = './tests/support/ends-what-is-left.ts';

/** Those that measure memory: what other files left in the process would hide what they look for. */
const alone = [
  'blocks/receiving/part-file.test.ts',
  'blocks/sending/pipeline/pipeline.test.ts',
  'collector/api/server.test.ts',
  'native/lz4.test.ts',
  'wire/transport/kafka/pieces.test.ts',
];
// These compute; Vitest leaves a core free, of two that would be half of them.
const computes = { testTimeout: 20_000, maxWorkers: '100%' } as const;

// `unit` stands beside the code and is quick, and so does `alone`; `whole` crosses folders: real processes, real files, a real browser;
// `chaos` is a lane of its own: many seeded runs of real processes under faults; so is `kafka`: real brokers;
// `single`: the executables of `npm run build`; and `windows`: that for Windows, under Wine.
export default defineConfig({
  test: {
    reporters: ['default', './tests/support/summary-reporter.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{runtime,native,wire,blocks,agent,collector,scripts,bench}/**/*.test.ts',
            'tests/tidy/**/*.test.ts',
          ],
          exclude: [...alone, '**/node_modules/**'],
          ...computes,
          // Many short files: in a process of its own each would load the same modules again. The 43
          // of wire/ take 36 s of a core so, and 20 s in processes that they share.
          isolate: false,
          setupFiles: ['./tests/support/as-found.ts'],
        },
      },
      { test: { name: 'alone', include: alone, ...computes } },
      {
        test: {
          name: 'whole',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/{tidy,chaos,kafka,single-file,windows}/**'],
          globalSetup: './tests/support/cut-programs.ts',
          setupFiles: [endsWhatIsLeft, './tests/support/starts-cut-programs.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // These mostly wait for processes of their own: four at a time keep two cores busy.
          maxWorkers: 4,
          // After all of `unit`, whose tests measure the load of a core.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['tests/chaos/**/*.test.ts'],
          setupFiles: [endsWhatIsLeft],
          hookTimeout: 60_000,
          // Runs at a time: their processes carry the load.
          maxConcurrency: 10,
          // All of its files: those beside the seeds mostly wait.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'single',
          include: [
            'tests/single-file/**/*.test.ts',
            // What people do with both programs, again with the executables.
            'tests/e2e/{access,alerts,blocks-receive,blocks-send,cli,farewell,one-pc,outbox,replay,restart,systemd,tls}.test.ts',
          ],
          setupFiles: [endsWhatIsLeft],
          env: { WINDROW_PROGRAMS: 'dist' },
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'windows',
          include: ['tests/windows/**/*.test.ts'],
          globalSetup: './tests/windows/support/suite.ts',
          setupFiles: [endsWhatIsLeft],
          testTimeout: 400_000,
          hookTimeout: 120_000,
          // Each test has a Windows of its own, and each of these many processes.
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'kafka',
          include: ['tests/kafka/**/*.test.ts'],
          globalSetup: './tests/kafka/support/suite.ts',
          setupFiles: [endsWhatIsLeft],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file may start brokers of its own, beside the suite's: half of the time one waits.
          maxWorkers: 2,
        },
      },
    ],
  },
});
