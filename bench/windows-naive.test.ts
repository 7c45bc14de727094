import { expect, it } from 'vitest';
import type { ServerWindow } from '../collector/windows/window.ts';
import { CONTENDERS, feed } from './windows-load.ts';

function windowsOf(name: keyof typeof CONTENDERS): ServerWindow[] {
  const windows: ServerWindow[] = [];
  const setup = { servers: 3, slideMs: 10_000 };
  const contender = CONTENDERS[name](setup, (window) => {
    windows.push({ ...window, warmUp: false });
  });
  feed(contender, setup.servers, { from: 3, to: 200 });
  return windows;
}

it('compares two that make the same windows, but for the warm-up flag', () => {
  const windows = windowsOf('engine');
  expect(windows.length).toBeGreaterThan(50);
  expect(windowsOf('naive')).toEqual(windows);
});
