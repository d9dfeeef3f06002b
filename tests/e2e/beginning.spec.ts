import { readFile } from 'node:fs/promises';
import { expect, test, type Page } from '@playwright/test';
import { createVerify } from '#adapters/verify-webcrypto';
import { unwrap } from '#core/base/result';
import { openManifest } from '#core/identity/community';
import { EMPTY_HEAD, signEntry } from '#core/ledger/chain';
import { parseLedgerFile, renderLedgerFile } from '#core/ledger/ledger-file';
import { nativeSignerNamed } from '#tests/fakes/native-signer';
import { withAxe } from './axe';
import { look } from './look';
import { arrive, expectNoFaults, isLinkedWith, isOnline, ledgerOf, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

const NAME = 'Old friends';
const OLD_ENTRIES = 1_200;

let app: AppServer;
/** Founds the community, and is the one witness of its manifest. */
let founder: PersonAtPage;
let newcomer: PersonAtPage | null = null;

test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  founder = await arrive(browser, `${app.origin}/community`, { before: withAxe });
});
test.afterAll(async () => {
  for (const one of [founder, newcomer]) await one?.context.close();
  await app?.close();
});

const place = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name }).first().click();

/** The file with which the log of a member who is not there any more comes back, as somebody kept it. */
async function withOldLog(file: string): Promise<Buffer> {
  const parsed = unwrap(parseLedgerFile(file));
  if (parsed.v === 1) throw new Error('A ledger of now is no old file.');
  const { manifest, logs, proofs } = parsed.file;
  const community = unwrap(await openManifest(manifest, createVerify())).id;
  const signer = nativeSignerNamed('gone');
  let head = EMPTY_HEAD;
  const entries: Uint8Array[] = [];
  for (let at = 0; at < OLD_ENTRIES; at++) {
    const event = { kind: 'contribution.decided', on: at % 2 === 0 } as const;
    const signed = await signEntry(signer, head, { community, event, at: 1_700_000_000_000 + at });
    entries.push(signed.bytes);
    head = signed.head;
  }
  return Buffer.from(renderLedgerFile({ manifest, logs: [...logs, { author: signer.nodeId, entries }], proofs }));
}

test('who comes new to a long ledger goes on from what its witnesses signed, and has all of it later', async ({
  browser,
}) => {
  test.setTimeout(300_000);
  const { page, nodeId } = founder;
  await page.getByLabel('Its name').fill(NAME);
  await page.getByRole('checkbox', { name: 'Members pay each other in credits' }).check();
  await page.getByRole('button', { name: 'Create and switch to it' }).click();
  await isOnline(page, NAME);
  await ledgerOf(page);
  await place(page, 'Ledger');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export as JSON' }).click(),
  ]);
  const buffer = await withOldLog(await readFile(await download.path(), 'utf8'));
  await page.getByLabel('Import a file').setInputFiles({ name: 'ledger.json', mimeType: 'application/json', buffer });
  await expect(page.getByText(/^1,200 new entries added/)).toBeVisible();
  const isCertified = () =>
    page.evaluate(async (self) => {
      const held = await window.tabmesh!.call('ledger.checkpoint@1', { part: null }, { provider: self });
      return (held as { readonly signed: unknown }).signed !== null;
    }, nodeId);
  await expect.poll(isCertified).toBe(true);

  const link = await page.evaluate(() => window.tabmesh!.invite());
  newcomer = await arrive(browser, link, { before: withAxe });
  await isOnline(newcomer.page, NAME);
  await isLinkedWith(newcomer.page, nodeId);
  await ledgerOf(newcomer.page);
  await place(newcomer.page, 'Ledger');
  const beginning = newcomer.page.getByTestId('beginning');
  await expect(beginning).toContainText('it began with what one witness signed');
  await expect(beginning).toContainText('All of it is here now');
  await look(newcomer.page, 'beginning');
  await newcomer.page.getByRole('button', { name: 'Audit now' }).click();
  await expect(newcomer.page.getByTestId('audit-outcome')).toHaveText('Everything came to the same.');
  await expectNoFaults(founder, newcomer);
});
