/**
 * Which block devices are whole disks, from /sys/block (Documentation/ABI/stable/sysfs-block).
 *
 * I/O to a file on LVM on RAID on a partition is counted by all four; only the disk at the bottom
 * is the machine's. It is in /sys/block, where partitions are not, and has a device.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskKind } from '../disk.ts';

/** RAID, mapper, loop, RAM, optical, floppy. */
const layerNames = /^(?:loop|ram|zram|dm-|md|sr|fd|nbd|drbd|bcache|zd)\d/;
/** Last resort, for a sandbox without /sys/block. */
const partitionNames = /^(?:(?:sd|hd|vd|xvd)[a-z]+\d+|(?:nvme\d+n\d+|mmcblk\d+)p\d+)$/;

export function diskKind(sysRoot: string, name: string): DiskKind {
  if (layerNames.test(name)) return 'layer';
  const blocks = join(sysRoot, 'block');
  // sysfs writes the slash of names such as cciss/c0d0 as an exclamation mark.
  const folder = join(blocks, name.replaceAll('/', '!'));
  if (existsSync(join(folder, 'device'))) return isHidden(folder) ? 'layer' : 'whole';
  if (existsSync(folder)) return 'plain';
  return existsSync(blocks) || partitionNames.test(name) ? 'layer' : 'plain';
}

/** A path of a multipath NVMe disk is a hidden device, and its I/O is counted by the disk too. */
function isHidden(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'hidden'), 'latin1').trim() === '1';
  } catch {
    // Kernels before 4.15 have no such file, and no such devices.
    return false;
  }
}
