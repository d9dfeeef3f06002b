import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { base64url, fromBase64url, utf8 } from '../base/bytes';
import { decodeCanonical, encodeCanonical, sha256 } from '../base/canonical';
import type { Signer } from '../base/ports';
import { unwrap, type Result } from '../base/result';
import { sign, type Signed } from '../wire/signed';
import {
  communityName,
  createManifest,
  manifestFromJson,
  manifestToJson,
  openManifest,
  type Community,
} from './community';
import { certifyNode, nodesOfIdentity, openCertificate } from './identity';
import {
  createInvite,
  decodeInviteFragment,
  encodeInviteFragment,
  encodeRedemption,
  inviteFragmentOf,
  inviteUrl,
  MAX_FRAGMENT_CHARS,
  openRedemption,
  redeemInvite,
  type InviteLinkData,
  type InviteWish,
} from './invites';
import { defaultEconomyPolicy } from './economy-policy';
import { createAdmit, createTally, decodeCredential, encodeCredential } from './admission';
import { MAX_ISSUER_CHAIN, type Membership } from './memberships';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = 1_800_000_000_000;
const verify = createVerify();
const seedOf = (name: string): Uint8Array<ArrayBuffer> => sha256(utf8(name));
const signerOf = (name: string): Signer => createSeedSigner(seedOf(name));

let drawn = 0;
const chance = { bytes: (count: number) => sha256(utf8(`chance ${drawn++}`)).slice(0, count) };

const founder = signerOf('founder');

interface Place {
  readonly manifest: Signed;
  readonly community: Community;
}

async function found(draft: Partial<Parameters<typeof createManifest>[1]> = {}): Promise<Place> {
  const manifest = await createManifest(founder, { name: 'Garden', open: false, createdAt: NOW, ...draft });
  return { manifest, community: unwrap(await openManifest(manifest, verify)) };
}

const inviteFrom = (
  place: Place,
  signer: Signer,
  chain: readonly Membership[],
  wish: Partial<InviteWish> = {},
  now = NOW,
) => createInvite({ signer, seedSigner: createSeedSigner, chance, now }, { ...place, chain, ...wish });

async function join(link: InviteLinkData, who: Signer, now = NOW + 1_000) {
  return unwrap(await redeemInvite(link, who.nodeId, createSeedSigner, now));
}

const admitFor = (
  place: Place,
  options: { now?: number; blocked?: string[]; tally?: ReturnType<typeof createTally> } = {},
) =>
  createAdmit({
    manifest: place.community,
    verify,
    now: () => options.now ?? NOW + 5_000,
    isBlocked: (id) => options.blocked?.includes(id) ?? false,
    tally: options.tally ?? createTally(place.community.limits),
  });

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.code);
const NOTHING = encodeCredential({ memberships: [], certificates: [] });

let garden: Place;
beforeAll(async () => {
  garden = await found();
});

describe('community', () => {
  test('a manifest keeps its id through JSON and back', async () => {
    const json = JSON.parse(JSON.stringify(manifestToJson(garden.manifest))) as ReturnType<typeof manifestToJson>;
    const again = unwrap(await openManifest(unwrap(manifestFromJson(json)), verify));
    expect(again).toEqual(garden.community);
    expect(again.id).toMatch(/^bafyrei[a-z2-7]{52}$/);
  });

  test('only the founder’s signature makes a manifest', async () => {
    const stolen = await sign(signerOf('thief'), { ...decoded(garden.manifest), v: 1, type: 'community' });
    expect(codeOf(await openManifest(stolen, verify))).toBe('signer_missing');
    const changed = { ...garden.manifest, payload: encodeCanonical({ ...decoded(garden.manifest), open: true }) };
    expect(codeOf(await openManifest(changed, verify))).toBe('bad_signature');
  });

  test('a name is trimmed; empty, long, and unshowable ones are one sentence', () => {
    expect(unwrap(communityName('  Garten \n'))).toBe('Garten');
    for (const bad of ['', '   ', 'x'.repeat(61), 'a\u0007b', 'a\nb', 'evil\u202etxt.exe']) {
      const result = communityName(bad);
      expect(codeOf(result)).toBe('bad_community_name');
      if (!result.ok) expect(result.error.message).toMatch(/^[A-Z].*\.$/);
    }
    expect(codeOf(communityName('🌱'.repeat(60)))).toBe('ok');
  });

  test('a manifest of another version, with more fields or beyond every limit is refused', async () => {
    const body = decoded(garden.manifest);
    const variants: [object, string][] = [
      [{ ...body, v: 2 }, 'unknown_version'],
      [{ ...body, extra: true }, 'malformed'],
      [{ ...body, name: ' spaced ' }, 'malformed'],
      [{ ...body, limits: { ...(body['limits'] as object), maxMembers: 1e9 } }, 'malformed'],
    ];
    for (const [variant, code] of variants) {
      expect(codeOf(await openManifest(await sign(founder, variant as never), verify))).toBe(code);
    }
  });

  test('damaged manifest JSON is refused', () => {
    const json = manifestToJson(garden.manifest);
    for (const bad of [
      { ...json, payload: '!' },
      { ...json, signatures: [] },
      { ...json, signatures: [{ keyId: founder.nodeId, signature: 'AAAA' }] },
      { ...json, payload: 'A'.repeat(100_000) },
    ]) {
      expect(codeOf(manifestFromJson(bad))).toBe('malformed');
    }
  });
});

describe('invite link', () => {
  test('carries how members pay each other, with every witness and curator', async () => {
    const keys = Array.from({ length: 13 }, (_, at) => signerOf(`witness ${at}`).nodeId);
    for (const economy of [
      defaultEconomyPolicy(founder.nodeId),
      { ...defaultEconomyPolicy(founder.nodeId), witnesses: keys, curators: keys.slice(0, 9), mint: true },
    ]) {
      const place = await found({ economy });
      const invite = unwrap(await inviteFrom(place, founder, []));
      const link = unwrap(await decodeInviteFragment(encodeInviteFragment(invite), verify, NOW));
      expect(link.community.id).toBe(place.community.id);
      expect(link.community.economy).toEqual(economy);
    }
  });

  test('what was put into a link comes out of it', async () => {
    const link = unwrap(await inviteFrom(garden, founder, []));
    const url = inviteUrl('https://mesh.example', encodeInviteFragment(link));
    expect(url).toMatch(/^https:\/\/mesh\.example\/join#i=[A-Za-z0-9_-]+$/);
    const fragment = unwrap(inviteFragmentOf(url));
    expect(unwrap(inviteFragmentOf(` ${fragment}\n`))).toBe(fragment);
    expect(unwrap(await decodeInviteFragment(fragment, verify, NOW))).toEqual(link);
    expect(link.token.expiresAt - NOW).toBe(7 * DAY_MS);
    expect(link.token.uses).toBe(25);
  });

  test('a founder’s link is short enough for a QR code that a phone reads', async () => {
    const link = unwrap(await inviteFrom(garden, founder, []));
    expect(inviteUrl('https://mesh.example:7280', encodeInviteFragment(link)).length).toBeLessThan(620);
  });

  test('members invite down to the limit of the chain, and every step is verified', async () => {
    const tally = createTally(garden.community.limits);
    const admit = admitFor(garden, { tally });
    let issuer = founder;
    let chain: readonly Membership[] = [];
    for (let depth = 0; depth <= MAX_ISSUER_CHAIN; depth++) {
      const made = unwrap(await inviteFrom(garden, issuer, chain));
      const link = unwrap(await decodeInviteFragment(encodeInviteFragment(made), verify, NOW));
      const who = signerOf(`depth ${depth}`);
      const taken = await join(link, who);
      const credential = encodeCredential(taken);
      expect(unwrap(await admit(who.nodeId, credential)).trust).toBe('member');
      expect(codeOf(await admit(signerOf('someone else').nodeId, credential))).toBe('not_a_member');
      issuer = who;
      chain = taken.memberships;
    }
    expect(codeOf(await inviteFrom(garden, issuer, chain))).toBe('may_not_invite');
    const deepest = encodeInviteFragment(unwrap(await inviteFrom(garden, signerOf('depth 3'), chain.slice(0, 4))));
    expect(deepest.length).toBeLessThan(2_300);
  });

  test('whoever is no member cannot invite, also with a link made by hand', async () => {
    const stranger = signerOf('stranger');
    expect(codeOf(await inviteFrom(garden, stranger, []))).toBe('may_not_invite');
    const real = unwrap(await inviteFrom(garden, founder, []));
    const token = { ...real.token, issuer: stranger.nodeId };
    const forged = { ...real, token, invite: await sign(stranger, token) };
    const read = await decodeInviteFragment(encodeInviteFragment(forged), verify, NOW);
    expect(codeOf(read)).toBe('bad_invite');
    const membership = await join(forged, stranger).catch(() => null);
    if (membership !== null) {
      expect(codeOf(await admitFor(garden)(stranger.nodeId, encodeCredential(membership)))).toBe('not_a_member');
    }
  });

  test('where only the founder invites, a member’s invite is refused by its maker and by everyone else', async () => {
    const strict = await found({ policy: { invite: 'founder' } });
    const member = signerOf('member');
    const taken = await join(unwrap(await inviteFrom(strict, founder, [])), member);
    expect(codeOf(await inviteFrom(strict, member, taken.memberships))).toBe('may_not_invite');
    const loose = { ...strict, community: { ...strict.community, policy: { invite: 'members' as const } } };
    const rogue = unwrap(await inviteFrom(loose, member, taken.memberships));
    expect(codeOf(await decodeInviteFragment(encodeInviteFragment(rogue), verify, NOW))).toBe('bad_invite');
    const guest = signerOf('guest');
    expect(codeOf(await admitFor(strict)(guest.nodeId, encodeCredential(await join(rogue, guest))))).toBe(
      'not_a_member',
    );
  });

  test('days and uses beyond the community’s limits are refused when made and when read', async () => {
    for (const [wish, code] of [
      [{ days: 31 }, 'bad_invite_days'],
      [{ days: 0 }, 'bad_invite_days'],
      [{ days: Number.NaN }, 'bad_invite_days'],
      [{ uses: 101 }, 'bad_invite_uses'],
      [{ uses: 0 }, 'bad_invite_uses'],
      [{ uses: 1.5 }, 'bad_invite_uses'],
    ] as const) {
      expect(codeOf(await inviteFrom(garden, founder, [], wish))).toBe(code);
    }
    const generous = {
      ...garden,
      community: { ...garden.community, limits: { ...garden.community.limits, maxInviteUses: 900 } },
    };
    const rogue = unwrap(await inviteFrom(generous, founder, [], { uses: 500 }));
    expect(codeOf(await decodeInviteFragment(encodeInviteFragment(rogue), verify, NOW))).toBe('bad_invite');
    const guest = signerOf('guest');
    expect(codeOf(await admitFor(garden)(guest.nodeId, encodeCredential(await join(rogue, guest))))).toBe(
      'not_a_member',
    );
  });

  test('an expired link says so when read and when taken up', async () => {
    const link = unwrap(await inviteFrom(garden, founder, [], { days: 1 }));
    const late = NOW + DAY_MS + 1;
    expect(codeOf(await decodeInviteFragment(encodeInviteFragment(link), verify, late))).toBe('invite_expired');
    expect(codeOf(await redeemInvite(link, founder.nodeId, createSeedSigner, late))).toBe('invite_expired');
  });

  test('a damaged, oversized, newer or foreign link is one clear sentence', async () => {
    const link = unwrap(await inviteFrom(garden, founder, []));
    const fragment = encodeInviteFragment(link);
    const newer = base64url(encodeCanonical({ v: 2 }));
    const cases: [string, string][] = [
      ['', 'bad_invite'],
      [fragment.slice(0, -9), 'bad_invite'],
      [fragment.slice(0, 100) + (fragment[100] === 'A' ? 'B' : 'A') + fragment.slice(101), 'bad_invite'],
      ['A'.repeat(MAX_FRAGMENT_CHARS + 1), 'bad_invite'],
      ['not base64!', 'bad_invite'],
      [newer, 'unknown_version'],
      [base64url(encodeCanonical('hello')), 'bad_invite'],
    ];
    for (const [text, code] of cases) {
      const read = await decodeInviteFragment(text, verify, NOW);
      expect(codeOf(read)).toBe(code);
      if (!read.ok) expect(read.error.message).toMatch(/^[A-Z].*\.$/);
    }
    expect(codeOf(inviteFragmentOf('https://mesh.example/join'))).toBe('bad_invite');
  });

  test('one changed byte anywhere makes the link worthless', async () => {
    const link = unwrap(await inviteFrom(garden, founder, []));
    const bytes = fromBase64url(encodeInviteFragment(link))!;
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = changed[at]! ^ mask;
        const read = await decodeInviteFragment(base64url(changed), verify, NOW);
        // The seed is the only part that no signature covers; it is checked when the invitation is taken up.
        if (read.ok)
          expect(codeOf(await redeemInvite(read.value, founder.nodeId, createSeedSigner, NOW))).toBe('bad_invite');
      }),
      { numRuns: 150 },
    );
  });

  test('any bytes are refused without a throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        expect((await decodeInviteFragment(base64url(bytes), verify, NOW)).ok).toBe(false);
        expect((await openRedemption(bytes, verify, NOW)).ok).toBe(false);
        expect(decodeCredential(bytes).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('redemption at the signaling server', () => {
  test('shows invite, node and limits, and fits the message it travels in', async () => {
    const link = unwrap(await inviteFrom(garden, founder, [], { uses: 3 }));
    const guest = signerOf('guest');
    const { redemption } = await join(link, guest);
    expect(redemption.length).toBeLessThan(1_500);
    expect(unwrap(await openRedemption(redemption, verify, NOW + 2_000))).toMatchObject({
      inviteId: link.inviteId,
      community: garden.community.id,
      node: guest.nodeId,
      issuer: founder.nodeId,
      uses: 3,
      expiresAt: link.token.expiresAt,
    });
  });

  test('another invite’s redemption, another secret, or a time that cannot be is refused', async () => {
    const one = unwrap(await inviteFrom(garden, founder, []));
    const two = unwrap(await inviteFrom(garden, founder, []));
    const guest = signerOf('guest');
    const takenOne = (await join(one, guest)).memberships[0]!;
    expect(
      codeOf(
        await openRedemption(encodeRedemption({ invite: two.invite, redemption: takenOne.redemption }), verify, NOW),
      ),
    ).toBe('bad_membership');
    const body = { type: 'redemption', v: 1, invite: one.inviteId, community: one.community.id, node: guest.nodeId };
    const withAt = async (at: number, signer: Signer) =>
      codeOf(
        await openRedemption(
          encodeRedemption({ invite: one.invite, redemption: await sign(signer, { ...body, at } as never) }),
          verify,
          NOW,
        ),
      );
    const secret = createSeedSigner(one.seed);
    expect(await withAt(NOW, guest)).toBe('bad_membership');
    expect(await withAt(NOW, secret)).toBe('ok');
    expect(await withAt(NOW + DAY_MS, secret)).toBe('invite_not_yet');
    expect(await withAt(NOW - DAY_MS, secret)).toBe('invite_not_yet');
    expect(await withAt(one.token.expiresAt + 1, secret)).toBe('invite_expired');
  });
});

describe('admission', () => {
  test('in an open community every authenticated node is a member', async () => {
    const square = await found({ open: true });
    expect(unwrap(await admitFor(square)(signerOf('anyone').nodeId, NOTHING)).trust).toBe('member');
  });

  test('in a closed one the founder is the anchor and a stranger is refused', async () => {
    const admit = admitFor(garden);
    expect(unwrap(await admit(founder.nodeId, NOTHING)).trust).toBe('anchor');
    expect(codeOf(await admit(signerOf('stranger').nodeId, NOTHING))).toBe('not_a_member');
    expect(codeOf(await admit(founder.nodeId, utf8('rubbish')))).toBe('bad_credential');
  });

  test('a membership of another community opens nothing here', async () => {
    const other = await found({ name: 'Elsewhere' });
    const guest = signerOf('guest');
    const taken = await join(unwrap(await inviteFrom(other, founder, [])), guest);
    expect(codeOf(await admitFor(garden)(guest.nodeId, encodeCredential(taken)))).toBe('not_a_member');
  });

  test('a blocked node and every node of a blocked person are refused', async () => {
    const square = await found({ open: true });
    const person = signerOf('person');
    const node = signerOf('node');
    const credential = encodeCredential({ memberships: [], certificates: [await certifyNode(person, node, NOW)] });
    expect(codeOf(await admitFor(square, { blocked: [node.nodeId] })(node.nodeId, credential))).toBe('blocked');
    expect(codeOf(await admitFor(square, { blocked: [person.nodeId] })(node.nodeId, credential))).toBe('blocked');
    expect(unwrap(await admitFor(square)(node.nodeId, credential)).identity).toBe(person.nodeId);
  });

  test('a membership stays good after its invite expired, when it was taken up in time', async () => {
    const guest = signerOf('guest');
    const taken = await join(unwrap(await inviteFrom(garden, founder, [], { days: 1 })), guest);
    expect(
      unwrap(await admitFor(garden, { now: NOW + 90 * DAY_MS })(guest.nodeId, encodeCredential(taken))).trust,
    ).toBe('member');
  });

  test('a membership taken up too late is refused', async () => {
    const link = unwrap(await inviteFrom(garden, founder, [], { days: 1 }));
    const guest = signerOf('guest');
    const at = link.token.expiresAt + 1;
    const redemption = await sign(createSeedSigner(link.seed), {
      type: 'redemption',
      v: 1,
      invite: link.inviteId,
      community: garden.community.id,
      node: guest.nodeId,
      at,
    } as never);
    const credential = encodeCredential({ memberships: [{ invite: link.invite, redemption }], certificates: [] });
    expect(codeOf(await admitFor(garden, { now: at })(guest.nodeId, credential))).toBe('invite_expired');
  });

  test('the surplus of an invite is demoted, the same nodes in any order of arrival', async () => {
    const link = unwrap(await inviteFrom(garden, founder, [], { uses: 2 }));
    const guests = [signerOf('a'), signerOf('b'), signerOf('c'), signerOf('d')];
    const credentials = await Promise.all(
      guests.map(async (guest, n) => ({
        guest,
        credential: encodeCredential(await join(link, guest, NOW + 1_000 * n)),
      })),
    );
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 0, 3, 1],
    ]) {
      const tally = createTally(garden.community.limits);
      const changes: string[] = [];
      tally.changed.on(({ peer, demoted }) => changes.push(`${peer} ${demoted}`));
      const admit = admitFor(garden, { tally });
      for (const n of order) await admit(credentials[n]!.guest.nodeId, credentials[n]!.credential);
      expect(guests.map(({ nodeId }) => tally.demoted(nodeId))).toEqual([false, false, true, true]);
      if (order[0] === 3) expect(changes).toEqual([`${guests[3]!.nodeId} true`, `${guests[2]!.nodeId} true`]);
      const again = createTally(garden.community.limits, tally.seen());
      const late = credentials[3]!;
      expect(unwrap(await admitFor(garden, { tally: again })(late.guest.nodeId, late.credential)).trust).toBe(
        'unknown',
      );
    }
  });

  test('redemptions at the same moment are ordered by node id', async () => {
    const link = unwrap(await inviteFrom(garden, founder, [], { uses: 1 }));
    const [low, high] = [signerOf('x'), signerOf('y')].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    const tally = createTally(garden.community.limits);
    const admit = admitFor(garden, { tally });
    for (const guest of [high!, low!]) await admit(guest.nodeId, encodeCredential(await join(link, guest)));
    expect(tally.demoted(low!.nodeId)).toBe(false);
    expect(tally.demoted(high!.nodeId)).toBe(true);
  });

  test('coming back uses no second use', async () => {
    const link = unwrap(await inviteFrom(garden, founder, [], { uses: 1 }));
    const guest = signerOf('guest');
    const credential = encodeCredential(await join(link, guest));
    const admit = admitFor(garden);
    for (let n = 0; n < 3; n++) expect(unwrap(await admit(guest.nodeId, credential)).trust).toBe('member');
  });

  test('who was invited by a surplus member is surplus too', async () => {
    const link = unwrap(await inviteFrom(garden, founder, [], { uses: 1 }));
    const [first, second, third] = [signerOf('first'), signerOf('second'), signerOf('third')];
    const tally = createTally(garden.community.limits);
    const admit = admitFor(garden, { tally });
    await admit(first.nodeId, encodeCredential(await join(link, first, NOW)));
    const surplus = await join(link, second, NOW + 1);
    const onward = unwrap(await inviteFrom(garden, second, surplus.memberships));
    expect(unwrap(await admit(third.nodeId, encodeCredential(await join(onward, third)))).trust).toBe('unknown');
  });

  test('members past the community’s limit are let in as unknown', async () => {
    const small = await found({ limits: { maxMembers: 2 } });
    const tally = createTally(small.community.limits);
    const admit = admitFor(small, { tally });
    const trusts: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      const link = unwrap(await inviteFrom(small, founder, []));
      const guest = signerOf(name);
      trusts.push(
        unwrap(await admit(guest.nodeId, encodeCredential(await join(link, guest, NOW + trusts.length)))).trust,
      );
    }
    expect(trusts).toEqual(['member', 'member', 'unknown']);
  });
});

describe('identity', () => {
  const person = signerOf('person');

  test('a certificate needs the person and the node, so nobody can claim another’s node', async () => {
    const node = signerOf('node');
    const good = await certifyNode(person, node, NOW);
    expect(unwrap(await openCertificate(good, verify))).toMatchObject({ identity: person.nodeId, node: node.nodeId });
    const claimed = await sign(person, {
      type: 'node-certificate',
      v: 1,
      identity: person.nodeId,
      node: founder.nodeId,
      issuedAt: NOW,
    } as never);
    expect(codeOf(await openCertificate(claimed, verify))).toBe('bad_certificate');
    const credential = encodeCredential({
      memberships: [],
      certificates: [claimed, await certifyNode(person, node, NOW)],
    });
    expect(codeOf(await admitFor(garden)(node.nodeId, credential))).toBe('bad_credential');
  });

  test('a person’s new node keeps the memberships of the old one and may invite on', async () => {
    const [before, after, friend] = [signerOf('old device'), signerOf('new device'), signerOf('friend')];
    const taken = await join(unwrap(await inviteFrom(garden, founder, [])), before);
    const certificates = [await certifyNode(person, before, NOW), await certifyNode(person, after, NOW + 1)];
    const admit = admitFor(garden);
    const credential = encodeCredential({ memberships: taken.memberships, certificates });
    expect(unwrap(await admit(after.nodeId, credential)).trust).toBe('member');
    expect(codeOf(await admit(after.nodeId, encodeCredential(taken)))).toBe('not_a_member');

    const made = unwrap(await inviteFrom(garden, after, taken.memberships, { certificates }));
    const link = unwrap(await decodeInviteFragment(encodeInviteFragment(made), verify, NOW));
    expect(link).toEqual(made);
    expect(unwrap(await admit(friend.nodeId, encodeCredential(await join(link, friend)))).trust).toBe('member');
  });

  test('a founder’s new node is still the anchor and may invite', async () => {
    const after = signerOf('founder’s new device');
    const certificates = [await certifyNode(person, founder, NOW), await certifyNode(person, after, NOW + 1)];
    expect(
      unwrap(await admitFor(garden)(after.nodeId, encodeCredential({ memberships: [], certificates }))).trust,
    ).toBe('anchor');
    const made = unwrap(await inviteFrom(garden, after, [], { certificates }));
    expect((await decodeInviteFragment(encodeInviteFragment(made), verify, NOW)).ok).toBe(true);
  });

  test('the list of a person’s nodes is oldest first, once each, without what does not belong', async () => {
    const [one, two] = [signerOf('one'), signerOf('two')];
    const good = await certifyNode(person, two, NOW);
    const list = await nodesOfIdentity(
      person.nodeId,
      [
        await certifyNode(person, one, NOW + 5),
        good,
        await certifyNode(person, two, NOW + 9),
        await certifyNode(signerOf('another'), one, NOW),
        { ...good, payload: utf8('damaged') },
      ],
      verify,
    );
    expect(list.map(({ node, issuedAt }) => [node, issuedAt])).toEqual([
      [two.nodeId, NOW],
      [one.nodeId, NOW + 5],
    ]);
  });
});

/** The manifest's own fields, loosely typed, to build variants of them. */
function decoded(signed: Signed): Record<string, unknown> {
  return unwrap(decodeCanonical(signed.payload)) as Record<string, unknown>;
}
