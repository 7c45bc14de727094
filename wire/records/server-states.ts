/** What a server may be, as collectors tell it each other. */
export const SERVER_STATES = ['up', 'silent', 'off', 'decommissioned'] as const;
