/** Alerts files that several tests share. */

export const AT_ONCE = `
rules:
  - { name: cpu, about: CPU is high., when: cpu_pct.avg > 90, severity: warning }
notifiers:
  ops: { type: command, command: [notify] }
`;

/** With times to hold, and two that are told. */
export const WAITING = `
rules:
  - name: cpu
    about: CPU is high.
    when: cpu_pct.avg > 90
    clear: cpu_pct.avg < 80
    for: 20s
    clear_for: 20s
    severity: critical
    labels: { team: room-1 }
notifiers:
  ops: { type: command, command: [notify] }
  night: { type: command, command: [notify] }
`;
