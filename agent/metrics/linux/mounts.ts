/**
 * Which mounts to measure, from /proc/self/mounts (proc(5), fstab(5)):
 *
 *   source mountpoint type options 0 0
 *
 * Only types that are known to be local are asked for their size: statfs on a network file system
 * whose server is gone does not return, and the agent would stand still with it.
 */
import type { Scan } from './scan.ts';

export interface Mount {
  readonly source: string;
  readonly mountPoint: string;
  readonly type: string;
}

/** Writable file systems on a local device. squashfs and iso9660 are always full, by design. */
const localTypes = new Set(
  (
    'ext2 ext3 ext4 xfs btrfs bcachefs zfs f2fs jfs reiserfs reiser4 nilfs2 jffs2 ubifs ' +
    'vfat msdos exfat ntfs ntfs3 fuseblk hfs hfsplus ufs minix apfs'
  ).split(' '),
);
/** File systems that may stop answering: a path below one may not be walked. */
const remoteTypes =
  /^(?:nfs|cifs|smb|9p|virtiofs|ceph|afs|coda|ncp|lustre|gfs|ocfs|gluster|fuse\b)/;

export function parseMounts(scan: Scan): Mount[] {
  const mounts: Mount[] = [];
  for (; !scan.ended; scan.nextLine()) {
    const [source, mountPoint, type] = [field(scan), field(scan), field(scan)];
    if (type !== '') mounts.push({ source, mountPoint, type });
  }
  return mounts;
}

/**
 * The mount points to measure: for each local device its shortest one that can be reached and
 * that `isFolder`. A container's /etc/hosts is a file mounted from the host's disk. May be empty.
 */
export function measurable(
  mounts: readonly Mount[],
  isFolder: (mountPoint: string) => boolean,
): string[] {
  const local = [...mounts.keys()].filter((at) => localTypes.has(mounts[at]?.type ?? ''));
  local.sort((a, b) => pointAt(mounts, a).length - pointAt(mounts, b).length || a - b);
  const chosen = new Map<string, string>();
  for (const at of local) {
    const mount = mounts[at];
    if (mount === undefined || chosen.has(mount.source)) continue;
    if (!isReachable(mounts, at) || !isFolder(mount.mountPoint)) continue;
    chosen.set(mount.source, mount.mountPoint);
  }
  return [...chosen.values()];
}

/**
 * A path leads to the last thing mounted there, and through everything above it. The root is not
 * above anything here (no path starts with //): moved to its place at boot, it is listed after
 * what was moved along with it.
 */
function isReachable(mounts: readonly Mount[], at: number): boolean {
  const path = pointAt(mounts, at);
  return !mounts.some((other, otherAt) => {
    const isLater = otherAt > at;
    if (other.mountPoint === path) return isLater;
    const isAbove = path.startsWith(`${other.mountPoint}/`);
    return isAbove && (isLater || remoteTypes.test(other.type));
  });
}

function pointAt(mounts: readonly Mount[], at: number): string {
  return mounts[at]?.mountPoint ?? '';
}

/** The kernel writes space, tab, newline, backslash and # as three octal digits. */
function field(scan: Scan): string {
  const raw = scan.word();
  const unescaped = raw.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(unescaped, 'latin1').toString('utf8');
}
