import { mkdir } from 'node:fs/promises';
import { expect, type Page } from '@playwright/test';
import { violationsOf } from './axe';

/** Where pictures of the pages go, for whoever wants to look at them. */
const SHOTS = process.env['TABMESH_SHOTS'];

/** Light and dark, on a phone and a desk: axe finds nothing wrong, and nothing is wider than the window. The page needs `withAxe`. */
export async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 844 });
      if (SHOTS !== undefined) {
        await mkdir(SHOTS, { recursive: true });
        await page.screenshot({ path: `${SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      }
      expect(await violationsOf(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
        0,
      );
    }
  }
}
