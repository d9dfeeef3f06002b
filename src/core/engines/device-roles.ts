import { realGraphics, type DeviceMeasure } from './device-measure';

/** What a device is like, by what its browser tells. The figures are graphics memory. */
export const TIERS = ['phone', 'cpu-only', '12-gb', '16-gb', '24-gb'] as const;
export type Tier = (typeof TIERS)[number];

/** What a node may do for its person and for the mesh. */
export const ROLES = ['ask', 'check', 'embed', 'store', 'relay', 'serve'] as const;
export type Role = (typeof ROLES)[number];

export interface ProposedRole {
  readonly role: Role;
  readonly suits: boolean;
  /** One sentence for the person: what this device would do, or who does it instead. */
  readonly sentence: string;
}

export interface DeviceRoles {
  readonly tier: Tier;
  /** One sentence for the person: what this device was taken for, and that it may be corrected where it is a guess. */
  readonly summary: string;
  /** Up to about this many parameters, quantised to 4 bits, a model runs well on devices of this tier. */
  readonly servesParameters: number;
  /** All of ROLES, those that suit first. A proposal: the person decides. */
  readonly roles: readonly ProposedRole[];
}

export interface WhatElse {
  /** As the person states it: a browser never tells how much memory the graphics card has. */
  readonly graphicsMemoryGb?: number | null;
  /** Free space for this origin; null where the browser does not say. */
  readonly freeBytes?: number | null;
}

/** Keeping other people's pieces makes sense from here on. */
const LEAST_STORE_BYTES = 2e9;
/** Two signs that speak for a larger card where nobody stated one: bytes per second, and a large machine around it. */
const SIGNS = [
  { tier: '24-gb', gigabytesPerSecond: 600, memoryHintGb: 32 },
  { tier: '16-gb', gigabytesPerSecond: 350, memoryHintGb: 16 },
] as const;

const TIER_FACTS: Readonly<Record<Tier, { readonly summary: string; readonly servesParameters: number }>> = {
  phone: { summary: 'A phone or tablet: always with its person, quick to ask and to check.', servesParameters: 0.4e9 },
  'cpu-only': {
    summary: 'A computer without a graphics card for pages: steady, with a disk and a line that others can lean on.',
    servesParameters: 0.7e9,
  },
  '12-gb': {
    summary: 'A graphics card, taken for one of up to 12 GB: good for models of up to 8 billion parameters.',
    servesParameters: 8e9,
  },
  '16-gb': {
    summary: 'A graphics card, taken for one of about 16 GB: good for models of up to 14 billion parameters.',
    servesParameters: 14e9,
  },
  '24-gb': {
    summary: 'A graphics card, taken for one of 24 GB or more: good for large models, or for several at once.',
    servesParameters: 32e9,
  },
};

type Line = readonly [suits: boolean, sentence: string];

/** Small nodes are organs of the mesh: every tier has work that it does well, and no sentence is an apology. */
const LINES: Readonly<Record<Tier, Readonly<Record<Role, Line>>>> = {
  phone: {
    ask: [true, 'Asks the mesh and reads checked answers.'],
    check: [true, 'Checks answers of small models: one pass each, light on the battery.'],
    embed: [true, 'Turns texts into vectors with a model of some 20 MB.'],
    store: [false, 'Keeps its own things; machines that stay on keep the pieces of others.'],
    relay: [false, 'Stays light on the move; machines on a steady line carry messages for it.'],
    serve: [false, 'Leaves answering to machines on mains power, and checks what they say.'],
  },
  'cpu-only': {
    ask: [true, 'Asks the mesh and reads checked answers.'],
    check: [true, 'Redoes text jobs, runs the tests of code answers and checks small models.'],
    embed: [true, 'Turns texts into vectors and ranks what was found.'],
    store: [true, 'Keeps pieces of files and models for the others.'],
    relay: [true, 'Carries messages between nodes that have no direct line.'],
    serve: [true, 'Answers with models of up to half a billion parameters.'],
  },
  '12-gb': {
    ask: [true, 'Asks the mesh and reads checked answers.'],
    check: [true, 'Checks answers of models of up to 8 billion parameters, runs tests, cleans data.'],
    embed: [true, 'Turns whole libraries of texts into vectors.'],
    store: [true, 'Keeps pieces of files and models for the others.'],
    relay: [true, 'Carries messages between nodes that have no direct line.'],
    serve: [true, 'Answers with models of up to 8 billion parameters, and trains small adapters.'],
  },
  '16-gb': {
    ask: [true, 'Asks the mesh and reads checked answers.'],
    check: [true, 'Checks answers of models of up to 14 billion parameters.'],
    embed: [true, 'Turns whole libraries of texts into vectors.'],
    store: [true, 'Keeps pieces of files and models for the others.'],
    relay: [true, 'Carries messages between nodes that have no direct line.'],
    serve: [true, 'Answers with models of up to 14 billion parameters, with long contexts.'],
  },
  '24-gb': {
    ask: [true, 'Asks the mesh and reads checked answers.'],
    check: [true, 'Checks the answers of any model that a page can run.'],
    embed: [true, 'Turns whole libraries of texts into vectors.'],
    store: [true, 'Keeps pieces of files and models for the others.'],
    relay: [true, 'Carries messages between nodes that have no direct line.'],
    serve: [true, 'Answers with several experts at once, trains and distils.'],
  },
};

/** The tier of a device, and what it could do for the mesh. Pure: the same figures give the same proposal. */
export function rolesOf(
  measure: DeviceMeasure,
  { graphicsMemoryGb = null, freeBytes = null }: WhatElse = {},
): DeviceRoles {
  const tier = tierOf(measure, graphicsMemoryGb);
  const roles = ROLES.map((role): ProposedRole => {
    const [suits, sentence] = LINES[tier][role];
    if (role === 'store' && suits && freeBytes !== null && freeBytes < LEAST_STORE_BYTES) {
      return { role, suits: false, sentence: 'Keeps its own things while its disk has little room left.' };
    }
    return { role, suits, sentence };
  });
  return { tier, ...TIER_FACTS[tier], roles: [...roles].sort((a, b) => Number(b.suits) - Number(a.suits)) };
}

function tierOf({ device, measured }: DeviceMeasure, graphicsMemoryGb: number | null): Tier {
  if (device.phone) return 'phone';
  if (realGraphics(device) === null) return 'cpu-only';
  if (graphicsMemoryGb !== null) return graphicsMemoryGb >= 24 ? '24-gb' : graphicsMemoryGb >= 16 ? '16-gb' : '12-gb';
  const fits = SIGNS.find(
    (sign) =>
      measured?.on === 'webgpu' &&
      measured.gigabytesPerSecond >= sign.gigabytesPerSecond &&
      (device.memoryHintGb ?? 0) >= sign.memoryHintGb,
  );
  return fits?.tier ?? '12-gb';
}
