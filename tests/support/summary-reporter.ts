/**
 * The last line of a test run, `N passed, N failed, N skipped`, for people and for CI; in CI a
 * skipped test is a failure, because there everything that the tests need must be there.
 */
import type { Reporter, TestModule } from 'vitest/node';

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
      // A file that cannot be loaded has no tests, but it has failed.
      if (module.errors().length > 0) counts.failed += 1;
    }
    const skipped = counts.skipped + counts.pending;
    if (skipped > 0 && process.env['CI']) {
      process.stdout.write(`\n${skipped} tests were skipped, and in CI none may be\n`);
      process.exitCode = 1;
    }
    process.stdout.write(
      `\n${counts.passed} passed, ${counts.failed} failed, ${skipped} skipped\n`,
    );
  }
}
