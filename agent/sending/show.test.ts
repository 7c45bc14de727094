import { expect, it } from 'vitest';
import { planTransfer } from '../../blocks/sending/plan.ts';
import { Progress } from '../../blocks/sending/progress.ts';
import { blockBytesMin } from '../../wire/limits.ts';
import { JsonShow, TerminalShow } from './show.ts';

const startMs = 1_000;

function transferOf(path = '/data/file') {
  const version = { sizeBytes: 4 * blockBytesMin, mtimeNs: 1n, inode: 1n };
  const file = { path, relativePath: 'file', version };
  return planTransfer(file, { sender: 'pc', blockBytes: blockBytesMin });
}

/** A quarter of four blocks, in the first second. */
function aQuarter(): Progress {
  const progress = new Progress({ files: 1, blocks: 4, bytes: 4 * blockBytesMin }, startMs);
  const transfer = transferOf();
  progress.take({ kind: 'begun', transfer, acknowledged: { blocks: 0, bytes: 0 } }, startMs);
  const rawBytes = blockBytesMin;
  progress.take({ kind: 'chunk', rawBytes, payloadBytes: rawBytes / 2 }, startMs + 500);
  progress.take({ kind: 'acknowledged', transfer, block: 0 }, startMs + 500);
  return progress;
}

function shown(use: (show: TerminalShow) => void, columns = 200): string {
  let text = '';
  use(
    new TerminalShow(
      (more) => {
        text += more;
      },
      () => columns,
    ),
  );
  return text;
}

it('a terminal shows blocks, bytes, speed, what is left and the ratio', () => {
  const line = shown((show) => show.progress(aQuarter(), startMs + 1_000));
  expect(line).toBe(
    '█████░░░░░░░░░░░░░░░ 25 %  1/4 blocks  1.0 MB/4.2 MB  1 MB/s  00:03 left  ratio 2.00',
  );
});

it('a narrow terminal gets no line that it would wrap', () => {
  expect(shown((show) => show.progress(aQuarter(), startMs + 1_000), 30)).toHaveLength(29);
});

it('what was found so far is shown, and taken back', () => {
  const text = shown((show) => {
    show.counting({ files: 12_345, blocks: 12_400, bytes: 3.2e9 });
    show.counted();
    show.counted();
  });
  expect(text).toBe('looking for files: 12345 found, 3.2 GB\r\u001B[K');
});

it('what is told takes the place of the line, and the line comes again', () => {
  const text = shown((show) => {
    show.progress(aQuarter(), startMs + 1_000);
    show.event({ kind: 'failed', path: '/data/x', reason: 'is not there' });
  });
  expect(text.endsWith('\r\u001B[K/data/x: is not there\n')).toBe(true);
});

it('a block that is sent again later for want of room is no line of its own', () => {
  expect(shown((show) => show.event({ kind: 'later' }))).toBe('');
});

it('a file name cannot act on the terminal', () => {
  const path = '/data/\u001B[2J\u202Egpj.exe\n';
  const text = shown((show) => show.event({ kind: 'failed', path, reason: 'is not there' }));
  expect(text).toBe('/data/\uFFFD[2J\uFFFDgpj.exe\uFFFD: is not there\n');
});

it('elsewhere each line is JSON, and blocks and chunks are not told one by one', () => {
  const lines: unknown[] = [];
  const show = new JsonShow((text) => void lines.push(JSON.parse(text)));
  const transfer = transferOf();
  show.counting({ files: 1, blocks: 4, bytes: 100 });
  show.counted();
  show.event({ kind: 'begun', transfer, acknowledged: { blocks: 0, bytes: 0 } });
  show.event({ kind: 'chunk', rawBytes: 1, payloadBytes: 1 });
  show.event({ kind: 'acknowledged', transfer, block: 0 });
  show.event({ kind: 'later' });
  show.event({ kind: 'again', transfer, block: 2, resend: 1, reason: 'lost' });
  show.event({ kind: 'left-out', path: '/data/link', reason: 'is a symbolic link' });
  show.progress(aQuarter(), startMs + 1_000);
  const amounts = { files: 0, files_total: 1, blocks: 1, blocks_total: 4, ratio: 2 };
  const bytes = { bytes: blockBytesMin, bytes_total: 4 * blockBytesMin };
  expect(lines).toEqual([
    { event: 'counting', files: 1, bytes: 100 },
    { event: 'again', path: '/data/file', block: 2, resend: 1, reason: 'lost' },
    { event: 'left_out', path: '/data/link', reason: 'is a symbolic link' },
    {
      event: 'progress',
      ...amounts,
      ...bytes,
      sent_bytes: blockBytesMin / 2,
      mb_per_s: 1.05,
      seconds_left: 3,
      failures: 0,
      resends: 0,
    },
  ]);
});
