/** Files of `unit` share processes: each leaves its own as it was, or the next would be judged by it. */
import { afterAll, expect, vi } from 'vitest';

const folder = process.cwd();
const environment = { ...process.env };

afterAll(() => {
  expect(vi.isFakeTimers(), 'timers are real again').toBe(false);
  expect(process.cwd()).toBe(folder);
  expect(process.env).toEqual(environment);
});
