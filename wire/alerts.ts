/** Words about alerts that both the wire and the lifecycle use. Pure. */

export const ALERT_SEVERITIES = ['critical', 'warning', 'info'] as const;

/** Steps of an alert; `dropped`: pending ended without firing. */
export const ALERT_STEP_KINDS = ['pending', 'firing', 'resolved', 'dropped'] as const;
