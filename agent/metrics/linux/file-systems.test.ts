import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Machine, readOnce, scanOf } from '../testing/machine.ts';
import { FileSystemSource, fileSystemOf } from './file-systems.ts';
import { measurable, parseMounts } from './mounts.ts';

function chosenFrom(lines: readonly string[], isFolder = (_path: string) => true): string[] {
  return measurable(parseMounts(scanOf(`${lines.join('\n')}\n`)), isFolder);
}

function nfs(at: string): string {
  return `server:/x ${at} nfs rw 0 0`;
}

describe('measurable', () => {
  test('takes local file systems and asks no network or pseudo file system anything', () => {
    const asked: string[] = [];
    const lines = [
      'proc /proc proc rw 0 0',
      'tmpfs /run tmpfs rw 0 0',
      '/dev/sda2 / ext4 rw 0 0',
      '/dev/sda1 /boot/efi vfat rw 0 0',
      'tank/home /home zfs rw 0 0',
      '/dev/sdb1 /win fuseblk rw 0 0',
      '/dev/loop3 /snap/core/1 squashfs ro 0 0',
      'server:/export /mnt/nfs nfs4 rw 0 0',
      '//server/share /mnt/smb cifs rw 0 0',
      'me@host:/ /mnt/ssh fuse.sshfs rw 0 0',
      'drvfs /mnt/c 9p rw 0 0',
      'overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0',
    ];
    const chosen = chosenFrom(lines, (path) => asked.push(path) > 0);
    expect(chosen.sort()).toEqual(['/', '/boot/efi', '/home', '/win']);
    expect(asked.sort()).toEqual(chosen);
  });

  test('a device that is mounted in many places counts once, at its shortest', () => {
    expect(
      chosenFrom([
        '/dev/sda2 /var/lib/kubelet/pods/1/volume ext4 rw 0 0',
        '/dev/sda2 / ext4 rw 0 0',
        '/dev/sda2 /srv ext4 rw 0 0',
        '/dev/sdb1 /data/inner btrfs rw,subvol=/a 0 0',
        '/dev/sdb1 /data btrfs rw,subvol=/ 0 0',
      ]),
    ).toEqual(['/', '/data']);
  });

  test('octal escapes in a mount point are undone, as UTF-8', () => {
    expect(chosenFrom(['/dev/sdb1 /my\\040disk\\011\\134\\303\\244 ext4 rw 0 0'])).toEqual([
      '/my disk\t\\ä',
    ]);
  });

  test('a place over which a network file system was mounted is not asked', () => {
    const disk = '/dev/sdb1 /data/disk ext4 rw 0 0';
    expect(chosenFrom([disk])).toEqual(['/data/disk']);
    expect(chosenFrom([disk, nfs('/data/disk')])).toEqual([]);
    expect(chosenFrom([disk, nfs('/data')])).toEqual([]);
    expect(chosenFrom([nfs('/data'), disk])).toEqual([]);
    expect(chosenFrom([disk, nfs('/dat')])).toEqual(['/data/disk']);
  });

  test('a place over whose parent another disk was mounted is not measured as that disk', () => {
    const lines = ['/dev/sdb1 /a/b ext4 rw 0 0', '/dev/sdc1 /a ext4 rw 0 0'];
    expect(chosenFrom(lines)).toEqual(['/a']);
  });

  test('the root, listed after what was moved along with it at boot, hides nothing', () => {
    expect(chosenFrom(['/dev/sda3 /usr xfs rw 0 0', '/dev/sda2 / ext4 rw 0 0'])).toEqual([
      '/',
      '/usr',
    ]);
  });

  test("a container's files that are mounted from the host's disk are no file systems", () => {
    const lines = ['overlay / overlay rw 0 0', '/dev/vda1 /etc/hosts ext4 rw 0 0'];
    expect(chosenFrom(lines, (path) => path !== '/etc/hosts')).toEqual([]);
  });
});

describe('fileSystemOf', () => {
  const stats = {
    type: 0xef53,
    bsize: 65_536,
    frsize: 1024,
    blocks: 1000,
    bfree: 500,
    bavail: 300,
    files: 200,
    ffree: 150,
  };

  test('used is what is not free, and full is when the reserve of root is all that is left', () => {
    expect(fileSystemOf('/x', stats)).toEqual({
      mount: '/x',
      total: 1000 * 1024,
      used: 500 * 1024,
      used_pct: 62.5,
      inodes_pct: 25,
    });
  });

  test('a file system that makes inodes as it goes has no share of them', () => {
    expect(fileSystemOf('/x', { ...stats, files: 0, ffree: 0 })).not.toHaveProperty('inodes_pct');
  });

  test('a file system without a size is none', () => {
    expect(fileSystemOf('/x', { ...stats, blocks: 0, bfree: 0, bavail: 0 })).toBeUndefined();
  });
});

describe('FileSystemSource', () => {
  test('a container without a local file system shows its root', () => {
    const machine = new Machine('container');
    const draft = readOnce(new FileSystemSource(machine.file('self/mounts'), machine.clock));
    expect(draft.fs?.map(({ mount }) => mount)).toEqual(['/']);
    expect(draft.disk_used_pct).toBe(draft.fs?.[0]?.used_pct);
  });

  test('a file system unmounted since the list was read leaves the others and renews the list', () => {
    const machine = new Machine();
    const gone = `/dev/sdb1 ${machine.root}/gone ext4 rw 0 0\n`;
    const root = '/dev/sda1 / ext4 rw 0 0\n';
    machine.write('gone/file', '');
    machine.write('proc/self/mounts', root + gone);
    const source = new FileSystemSource(machine.file('self/mounts'), machine.clock);
    expect(readOnce(source).fs?.length).toBe(2);
    machine.remove('gone');
    machine.write('new/file', '');
    machine.write('proc/self/mounts', root + gone.replace('gone', 'new'));
    expect(readOnce(source).fs?.length).toBe(1);
    expect(readOnce(source).fs?.map(({ mount }) => mount)).toEqual(['/', `${machine.root}/new`]);
  });

  test('a new mount shows within ten seconds, and not by reading the list each tick', () => {
    const machine = new Machine();
    machine.write('more/file', '');
    machine.write('proc/self/mounts', '/dev/sda1 / ext4 rw 0 0\n');
    const source = new FileSystemSource(machine.file('self/mounts'), machine.clock);
    const countAfter = (ms: number) => {
      machine.clock.advance(ms);
      return readOnce(source).fs?.length;
    };
    expect(countAfter(0)).toBe(1);
    machine.write(
      'proc/self/mounts',
      `/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 ${machine.root}/more ext4 rw 0 0\n`,
    );
    expect(countAfter(9_999)).toBe(1);
    expect(countAfter(1)).toBe(2);
  });

  test('agrees with df on this machine', () => {
    const machine = new Machine('server');
    const draft = readOnce(new FileSystemSource(machine.file('self/mounts'), machine.clock));
    const output = execFileSync('df', ['-B1', '--output=size,used,avail', '/'], {
      encoding: 'utf8',
    });
    const [size = 0, used = 0, available = 0] = (output.split('\n')[1] ?? '')
      .trim()
      .split(/ +/)
      .map(Number);
    const root = draft.fs?.[0];
    expect(root?.mount).toBe('/');
    expect(root?.total).toBe(size);
    // Others write between the two readings.
    expect(Math.abs((root?.used ?? 0) - used)).toBeLessThan(256 * 1024 * 1024);
    expect(root?.used_pct).toBeCloseTo((used / (used + available)) * 100, 0);
    expect(root?.inodes_pct === undefined).toBe(statfsSync('/').files === 0);
  });
});
