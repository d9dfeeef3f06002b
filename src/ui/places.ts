import BookText from '@lucide/svelte/icons/receipt-text';
import Ellipsis from '@lucide/svelte/icons/ellipsis';
import Flame from '@lucide/svelte/icons/flame';
import Flask from '@lucide/svelte/icons/flask-conical';
import MessageCircle from '@lucide/svelte/icons/message-circle';
import Settings from '@lucide/svelte/icons/settings';
import Users from '@lucide/svelte/icons/users';
import Waypoints from '@lucide/svelte/icons/waypoints';

export interface Place {
  readonly href: string;
  readonly label: string;
  readonly icon: typeof Flame;
}

const ask: Place = { href: '/', label: 'Ask', icon: MessageCircle };
const mesh: Place = { href: '/mesh', label: 'Mesh', icon: Waypoints };
const contribute: Place = { href: '/contribute', label: 'Contribute', icon: Flame };
const ledger: Place = { href: '/ledger', label: 'Ledger', icon: BookText };
const community: Place = { href: '/community', label: 'Community', icon: Users };
const lab: Place = { href: '/lab', label: 'Lab', icon: Flask };
const settings: Place = { href: '/settings', label: 'Settings', icon: Settings };

/** The rail of wide screens. */
export const RAIL: readonly Place[] = [ask, mesh, contribute, ledger, community, lab, settings];

/** Behind "More" on phones. */
export const MORE: readonly Place[] = [community, lab, settings];

/** The bottom bar of phones. */
export const BAR: readonly Place[] = [ask, mesh, contribute, ledger, { href: '/more', label: 'More', icon: Ellipsis }];

const OTHER_TITLES: Readonly<Record<string, string>> = {
  '/more': 'More',
  '/join': 'Join',
  '/pair': 'Pair',
  '/models': 'Models',
  '/experts': 'Experts',
  '/contributions': 'Contributions',
  '/tasks': 'Tasks',
  '/verify': 'Verify',
  '/graph': 'Evidence graph',
  '/checked': 'What checked means',
  '/limits': 'Limits',
};

/** The heading of a place. */
export const titleOf = (pathname: string): string =>
  RAIL.find((place) => place.href === pathname)?.label ?? OTHER_TITLES[pathname] ?? 'Nothing here';

/** Which entry of the bar a place belongs to. */
export const barHrefOf = (pathname: string): string =>
  BAR.some((place) => place.href === pathname) ? pathname : '/more';
