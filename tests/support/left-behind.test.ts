import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { endAll, endAtLast } from './left-behind.ts';
import { startAgent, tempDir } from './programs.ts';

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('what a test that ran out of time left behind', () => {
  it('is ended, the youngest first and once, unless it has ended', async () => {
    const ended: string[] = [];
    const begin = (name: string) => endAtLast(() => void ended.push(name));
    begin('folder');
    begin('ended by itself')();
    begin('program');
    await endAll();
    await endAll();
    expect(ended).toEqual(['program', 'folder']);
  });

  it('all of it, though one does not end well, which is told', async () => {
    const ended: string[] = [];
    endAtLast(() => void ended.push('program'));
    endAtLast(() => Promise.reject(new Error('the folder is not empty')));
    await expect(endAll()).rejects.toThrow('the folder is not empty');
    expect(ended).toEqual(['program']);
  });

  it('programs do not run on, and folders do not stay', async () => {
    const folder = tempDir();
    const agent = await startAgent({ to: 'http://127.0.0.1:9', args: ['--data', folder.path] });
    expect([runs(agent.pid), existsSync(folder.path)]).toEqual([true, true]);
    await endAll();
    expect([runs(agent.pid), existsSync(folder.path)]).toEqual([false, false]);
  });
});
