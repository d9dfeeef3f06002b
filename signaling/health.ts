/** `GET /healthz`. */
export interface Health {
  readonly status: 'ok' | 'draining';
  readonly version: string;
  /** Sockets that proved an id. */
  readonly connections: number;
  readonly sockets: number;
  readonly rooms: number;
  readonly uptimeSeconds: number;
  /** The open community's id. */
  readonly community: string;
  /** Messages passed on, by type. */
  readonly relayed: Readonly<Record<string, number>>;
  /** What was refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** STUN requests, or null without STUN. */
  readonly stun: Readonly<Record<string, number>> | null;
}

/** The health figures in the text form that Prometheus reads. */
export function metricsOf(health: Health): string {
  const lines = [
    `tabmesh_draining ${health.status === 'draining' ? 1 : 0}`,
    `tabmesh_connections ${health.connections}`,
    `tabmesh_sockets ${health.sockets}`,
    `tabmesh_rooms ${health.rooms}`,
    `tabmesh_uptime_seconds ${health.uptimeSeconds}`,
    ...Object.entries(health.relayed).map(([type, count]) => `tabmesh_relayed_total{type="${type}"} ${count}`),
    ...Object.entries(health.refused).map(([reason, count]) => `tabmesh_refused_total{reason="${reason}"} ${count}`),
    ...Object.entries(health.stun ?? {}).map(([kind, count]) => `tabmesh_stun_total{kind="${kind}"} ${count}`),
  ];
  return `${lines.join('\n')}\n`;
}
