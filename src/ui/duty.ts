import type { NodeStatus } from '#node/page-api';
import type { ContributionView } from '#node/tab-node';

/** The one word and the one reason that are always in sight. */
export interface Duty {
  readonly word: string;
  readonly reason: string;
  readonly tone: 'on' | 'working' | 'off' | 'waiting' | 'trouble';
}

const PHASES: Readonly<Record<ContributionView['phase'], Pick<Duty, 'word' | 'tone'>>> = {
  off: { word: 'Not contributing', tone: 'off' },
  loading: { word: 'Getting ready', tone: 'waiting' },
  idle: { word: 'Contributing', tone: 'on' },
  working: { word: 'Working', tone: 'working' },
  paused: { word: 'Paused', tone: 'waiting' },
};

/** Trouble with the node comes first; otherwise what this device does for others. */
export function duty(status: NodeStatus | null, contribution: ContributionView | null): Duty {
  if (status === null) return { word: 'Starting', reason: 'The node of this tab is starting.', tone: 'waiting' };
  switch (status.state) {
    case 'insecure':
      return { word: 'No node here', reason: status.reason, tone: 'trouble' };
    case 'failed':
      return { word: 'Stopped', reason: status.reason, tone: 'trouble' };
    case 'waiting':
      return { word: 'In another tab', reason: status.reason, tone: 'waiting' };
    case 'starting':
      return { word: 'Starting', reason: status.reason, tone: 'waiting' };
    case 'offline':
      if (contribution?.on !== true) return { word: 'Offline', reason: status.reason, tone: 'waiting' };
      return {
        word: 'Offline',
        reason: `${status.reason} Contributing goes on when the connection is back.`,
        tone: 'waiting',
      };
    case 'online':
      if (contribution === null) return { word: 'Online', reason: status.reason, tone: 'on' };
      return { ...PHASES[contribution.phase], reason: contribution.reason };
  }
}
