import { posix } from 'node:path';

/** A part of the house: what lies in it, what it may take from, and why not from elsewhere. */
export interface Room {
  readonly name: string;
  /** Paths from the root of the repository; the first room that matches has the file. */
  readonly holds: RegExp;
  /** Rooms that it may import from, besides itself. */
  readonly mayImport: readonly string[];
  /** Rooms of which it may know the types, but takes no values. */
  readonly mayKnow?: readonly string[];
  /** Parts of this room are strangers to each other: the first group of `holds` names the part. */
  readonly partsApart?: boolean;
  readonly because: string;
}

/** Core from the ground up; each floor may use the floors below it, rooms on one floor do not know each other. */
const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['wire'],
  ['identity'],
  ['transport', 'storage', 'engines'],
  // The signed statements around a job are schemas over wire, nothing more: who reads evidence has to know them.
  ['ledger'],
  ['evidence', 'overlay'],
  ['bus'],
  ['jobs'],
  ['experts'],
  // Holds all that the rooms below signed against each other.
  ['economy'],
];

const CORE = FLOORS.flat().map((name) => `core/${name}`);

const coreRooms: readonly Room[] = FLOORS.flatMap((floor, height) =>
  floor.map((name) => ({
    name: `core/${name}`,
    holds: new RegExp(`^src/core/${name}(/|\\.ts$)`),
    mayImport: FLOORS.slice(0, height)
      .flat()
      .map((below) => `core/${below}`),
    because: `core is built in floors (${FLOORS.map((rooms) => rooms.join(', ')).join(' ← ')}): ${name} stands on those below it, never on one beside or above it, and on nothing impure`,
  })),
);

/** An adapter knows base and the one port that it implements, told by the first word of its name. */
const adapterRooms: readonly Room[] = [
  {
    ports: 'transport',
    mayImport: ['core/transport', 'core/wire'],
    note: ', with the messages that its wire carries; those over WebRTC share how a data channel carries frames',
    together: true,
  },
  { ports: 'storage', mayImport: ['core/storage'], note: '' },
  { ports: 'engine', mayImport: ['core/engines', 'workers'], note: ', and the worker that it talks to' },
  { ports: 'clock', mayImport: ['workers'], note: ', and the timer worker' },
  {
    ports: 'signer|verify|keys|identity',
    mayImport: ['core/identity', 'core/storage'],
    note: ', and where the key is kept; one stands in for another where a browser lacks it',
    together: true,
  },
  { ports: '[a-z]+', mayImport: [], note: '' },
].map(({ ports, mayImport, note, together }) => ({
  name: `adapters ${ports}`,
  // The part is port and technology, be it a file or a folder.
  holds: new RegExp(`^src/adapters/((?:${ports})(?:-[^/.-]+)?)[-/.]`),
  mayImport: ['core/base', ...mayImport],
  partsApart: together !== true,
  because: `an adapter implements one port with one technology: it knows base and that port${note}; adapters of other ports it does not know`,
}));

const ADAPTERS = adapterRooms.map((room) => room.name);
const SERVICES = ['service contracts', 'services', 'service tables'];

/** The house as one table. Who wants to know what may import what reads this. */
export const ROOMS: readonly Room[] = [
  {
    name: 'tests',
    holds: /(^tests\/|\.(test|spec)\.ts$)/,
    mayImport: [
      ...CORE,
      ...ADAPTERS,
      ...SERVICES,
      'node',
      'node wiring',
      'cli',
      'ui',
      'routes',
      'workers',
      'signaling',
      'service worker',
      'configuration',
    ],
    because: 'a test may look at everything',
  },
  ...coreRooms,
  ...adapterRooms,
  {
    name: 'service contracts',
    holds: /^src\/services\/([^/]+)\/contract\.ts$/,
    mayImport: CORE,
    because:
      'a contract is what others may know of a service: schemas over core, and of other services their contracts',
  },
  {
    name: 'services',
    holds: /^src\/services\/([^/]+)\//,
    mayImport: [...CORE, 'service contracts'],
    partsApart: true,
    because:
      "a service reaches another through the bus and that service's contract.ts, nothing else; what is impure is handed in",
  },
  {
    name: 'service tables',
    holds: /^src\/services\/[^/]+\.ts$/,
    mayImport: [...CORE, 'service contracts', 'services'],
    because: 'a table of services names contracts and handlers, so that whoever starts a node need not',
  },
  {
    name: 'node wiring',
    // The second one verifies evidence without any node: whoever was handed a bundle need not join.
    holds: /^src\/node\/(browser|evidence-reader)\.ts$/,
    mayImport: [...CORE, ...ADAPTERS, ...SERVICES, 'node'],
    because: 'the places of the page where adapters are chosen; they know nothing of how things look',
  },
  {
    name: 'node',
    holds: /^src\/node\//,
    mayImport: [...CORE, ...SERVICES],
    because:
      'a node is made from core and services out of what it is given: it imports no adapter, and nothing above it',
  },
  {
    name: 'cli',
    holds: /^src\/cli\//,
    mayImport: [...CORE, ...ADAPTERS, ...SERVICES, 'node'],
    because:
      'the command line wires the same core over adapters for Node; it stands beside the interface and knows nothing of it',
  },
  {
    name: 'ui',
    holds: /^src\/ui\//,
    mayImport: ['core/base', 'service contracts'],
    mayKnow: [...CORE, ...SERVICES, 'node'],
    because:
      'the interface takes values from base and from contracts only; everything else it knows as types, so that first load stays small',
  },
  {
    name: 'routes',
    holds: /^src\/(routes\/|app\.d\.ts|hooks\.client\.ts)/,
    mayImport: ['core/base', 'service contracts', 'ui', 'node wiring'],
    mayKnow: [...CORE, ...SERVICES, 'node'],
    because: 'pages put together what ui has; only the root layout makes the node',
  },
  {
    name: 'service worker',
    holds: /^src\/service-worker\//,
    mayImport: [],
    because: 'the service worker is built alone and runs without the page: it knows only its own files',
  },
  {
    name: 'workers',
    holds: /^workers\//,
    mayImport: ['core/base', 'core/wire', 'core/engines'],
    because:
      'code off the page thread knows base, the engines port and the wire, so that it can be loaded without the mesh',
  },
  {
    name: 'signaling',
    holds: /^signaling\//,
    mayImport: [...CORE, ...ADAPTERS, 'service contracts'],
    because:
      'the server speaks the protocols of core and wires adapters of its own; it never knows the interface or the node in the tab',
  },
  {
    name: 'configuration',
    holds: /^[^/]+\.(js|ts)$/,
    mayImport: ['configuration'],
    because: 'tools are configured without the app',
  },
];

/** A package and where it lives. Tests may use every package. */
interface Home {
  readonly package: RegExp;
  readonly in: RegExp;
  readonly because: string;
}

export const HOMES: readonly Home[] = [
  {
    package: /^valibot$/,
    in: /^(src\/(core|services|node|adapters|cli)\/|signaling\/|workers\/)/,
    because: 'schemas guard what comes from outside; the interface gets data that passed',
  },
  {
    package: /^(@ipld\/(dag-cbor|car)|multiformats)(\/|$)/,
    in: /^src\/core\/base\//,
    because:
      'canonical bytes, content ids and files of blocks are made in base and nowhere else, so that all nodes make the same',
  },
  {
    package: /^@valibot\/to-json-schema$/,
    in: /^src\/cli\//,
    because: 'published schemas are made on the command line, never in a tab',
  },
  {
    package: /^@noble\//,
    in: /^src\/(core\/(base|identity)|adapters\/[^/]*noble[^/]*|adapters\/signer-seed)/,
    because: 'cryptography has one place to be read: base, identity and the adapters named after it',
  },
  {
    package: /^peerjs$/,
    in: /^src\/adapters\/transport-peerjs(\/|\.ts$)/,
    because: 'peerjs lives behind the transport port',
  },
  { package: /^idb$/, in: /^src\/adapters\/storage-idb(\/|\.ts$)/, because: 'idb lives behind the storage port' },
  {
    package: /^comlink$/,
    in: /^(src\/adapters\/engine-(worker|store-opfs|sandbox)(\/|\.ts$)|workers\/shared\/)/,
    because:
      'comlink is the seam between the page and a worker: one side in the adapter that starts it, one in workers/shared',
  },
  {
    package: /^(@mlc-ai\/web-llm|@huggingface\/transformers|onnxruntime-web)(\/|$)/,
    in: /^workers\//,
    because: 'engines run off the page thread',
  },
  {
    package: /^(quickjs-emscripten-core|@jitl\/quickjs-.+)(\/|$)/,
    in: /^workers\/sandbox\//,
    because: 'code that others wrote runs in one place, in a worker of its own',
  },
  {
    package: /^@cfworker\/json-schema$/,
    in: /^src\/core\/experts\/objective\//,
    because: 'foreign schemas are held against answers in one place, behind its bounds',
  },
  {
    package: /^ws$/,
    in: /^signaling\//,
    because: 'the server alone speaks WebSocket by a package; everyone else has the platform',
  },
  {
    package: /^multicast-dns$/,
    in: /^signaling\/multicast\.ts$/,
    because: 'multicast has one door, where what arrives is measured before it is decoded',
  },
  {
    package: /^(bits-ui|@lucide\/svelte)(\/|$)/,
    in: /^src\/(ui|routes)\//,
    because: 'parts of pages are for ui and routes',
  },
  {
    package: /^(@fontsource-variable\/.+|workbox-window)(\/|$)/,
    in: /^src\/ui\//,
    because: 'type faces and updates have one place in ui',
  },
  {
    package: /^uqr$/,
    in: /^(src\/ui|signaling)\//,
    because: 'codes to scan are shown by the interface and printed by the server',
  },
  {
    package: /^virtua(\/|$)/,
    in: /^src\/ui\/components\/LongList\.svelte$/,
    because: 'long lists are drawn in one place, fetched by the pages that have one',
  },
  {
    package: /^uplot(\/|$)/,
    in: /^src\/ui\/components\/EarningsPlot\.svelte$/,
    because: 'the plot of earnings is drawn in one place, fetched when there is something to plot',
  },
  {
    package: /^fflate$/,
    in: /^src\/ui\/zip\.ts$/,
    because: 'zips are made and opened in one place, where what they say of their size is held to a bound',
  },
  {
    package: /^workbox-(precaching|routing)$/,
    in: /^src\/service-worker\//,
    because: 'the service worker alone answers requests',
  },
  { package: /^(svelte|\$app)(\/|$)/, in: /^src\/(ui|routes)\//, because: 'components and runes stop at ui' },
  {
    package: /^vite$/,
    in: /^(signaling\/|[^/]+\.(js|ts)$)/,
    because: '`npm run dev` serves the app through Vite; nothing else knows how it is built',
  },
  {
    package: /^node:/,
    in: /^(signaling\/|src\/cli\/|src\/adapters\/[^/]*-(fs|node)[^/]*(\/|$)|[^/]+\.(js|ts)$)/,
    because:
      "Node's own modules are for the server, the command line and the adapters named after them; the rest runs in a tab too",
  },
  {
    package: /^(eslint|typescript-eslint|eslint-plugin-svelte|@sveltejs|vitest)(\/|$)/,
    in: /^[^/]+\.(js|ts)$/,
    because: 'tools are named in their configuration only',
  },
];

/** `imports` of package.json, by the part before the star. */
export type Aliases = Readonly<Record<string, string>>;

export const roomOf = (path: string): Room | undefined => ROOMS.find((room) => room.holds.test(path));

/** The file that a specifier names, from the root of the repository and perhaps without its ending; null for a package. */
export function resolveImport(from: string, specifier: string, aliases: Aliases): string | null {
  const bare = specifier.replace(/\?.*$/, '');
  if (bare.startsWith('.')) return posix.normalize(posix.join(posix.dirname(from), bare));
  const alias = Object.keys(aliases).find((key) => bare.startsWith(key.replace('*', '')));
  if (alias === undefined) return null;
  return posix.normalize((aliases[alias] ?? '').replace('*', bare.slice(alias.length - 1)));
}

/** Why a package may not be used there, or null. */
function packageComplaint(from: string, specifier: string): string | null {
  const homes = HOMES.filter((home) => home.package.test(specifier));
  if (homes.length === 0)
    return 'this package has no home yet: give it one in tests/architecture/rooms.ts, with the reason';
  return homes.some((home) => home.in.test(from)) ? null : homes.map((home) => home.because).join('; ');
}

/** The same path whether or not the import said the ending. */
const withEnding = (path: string): string => (/\.\w+$/.test(path) ? path : `${path}.ts`);

/** The reason why this import breaks the house, or null when it may stand. */
export function complaint(from: string, specifier: string, typeOnly: boolean, aliases: Aliases): string | null {
  const room = roomOf(from);
  if (room === undefined) return 'this file stands in no room of the house';
  if (room.name === 'tests') return null;
  const target = resolveImport(from, specifier, aliases);
  if (target === null) return packageComplaint(from, specifier);
  const path = withEnding(target);
  // Types that SvelteKit writes for each page.
  if (posix.basename(path) === '$types.ts') return null;
  if (path === 'package.json') return null;
  const other = roomOf(path);
  if (other === undefined) return 'what is imported stands in no room of the house';
  const part = (file: string, of: Room) => of.holds.exec(file)?.[1];
  if (other.name === room.name) {
    return room.partsApart && part(from, room) !== part(path, other) ? room.because : null;
  }
  if (other.name === 'tests') return 'tests look at the house; nothing in the house looks at tests';
  if (room.mayImport.includes(other.name) || (typeOnly && room.mayKnow?.includes(other.name))) return null;
  return room.because;
}
