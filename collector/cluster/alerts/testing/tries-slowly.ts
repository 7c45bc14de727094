import { afterEach, beforeEach, vi } from 'vitest';

/** In each test of the file time passes when the test says so, and whoever cannot write into the log waits as long as it ever does. */
export function triesSlowly(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.spyOn(Math, 'random').mockReturnValue(0.99);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}
