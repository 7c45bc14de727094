/**
 * Which network interfaces are the machine's own, from /sys/class/net (sysfs, and the kernel's
 * Documentation/ABI/testing/sysfs-class-net).
 *
 * The same byte shows up on every layer it passes: on a bond and its member, on a bridge, its
 * veth and the card below. Only the lowest layer may be counted, and that is what has a device.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InterfaceKind } from '../network.ts';

/** DEVTYPE in uevent. macvlan and ipvlan are not here: in a container they are the way out. */
const layerTypes =
  /^DEVTYPE=(?:bridge|bond|team|vlan|vxlan|geneve|wireguard|dsa|hsr|macsec|\w*gre\w*|sit|ipip)$/m;
/** Last resort: types that sysfs does not tell apart, and sysfs that a sandbox hides. */
const layerNames =
  /^(?:veth|docker|br-|virbr|vmbr|bond|team|cni|cali|cilium|flannel|vxlan|vlan|tun|tap|ifb|dummy|wg|sit|gre|erspan|ip6tnl|ip6gre|ip_vti|ip6_vti)/;

export function interfaceKind(sysRoot: string, name: string): InterfaceKind {
  if (name === 'lo') return 'loopback';
  const folder = join(sysRoot, 'class/net', name);
  const has = (entry: string) => existsSync(join(folder, entry));
  const isLayerType = layerTypes.test(ueventOf(folder));
  if (has('device')) {
    // A cloud's virtual card that carries a passed-through one counts the other's bytes itself, as
    // does the processor's port of a switch. A bond has no device: there the member counts.
    return isLayerType || has('master/device') ? 'layer' : 'physical';
  }
  if (isLayerType || layerNames.test(name)) return 'layer';
  return ['bridge', 'bonding', 'tun_flags', 'master'].some(has) ? 'layer' : 'plain';
}

function ueventOf(folder: string): string {
  try {
    return readFileSync(join(folder, 'uevent'), 'latin1');
  } catch {
    // Without sysfs the other signs decide; the interface itself is known from /proc/net/dev.
    return '';
  }
}
