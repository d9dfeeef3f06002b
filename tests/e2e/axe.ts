import type { Page } from '@playwright/test';
import axe from 'axe-core';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Axe {
  run(
    context: Document,
    options: object,
  ): Promise<{ violations: { id: string; help: string; nodes: { target: string[]; failureSummary?: string }[] }[] }>;
}

/** Puts axe into every page that is opened from now on. As the browser's own script, so that the page's policy stays strict. */
export const withAxe = (page: Page): Promise<unknown> => page.addInitScript({ content: axe.source });

/** What axe finds wrong with the page as it is shown now, one line each. */
export const violationsOf = (page: Page): Promise<string[]> =>
  page.evaluate(async (tags) => {
    const { axe } = window as unknown as { axe: Axe };
    const { violations } = await axe.run(document, {
      runOnly: { type: 'tag', values: tags },
      resultTypes: ['violations'],
    });
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${id} (${help}) at ${node.target.join(' ')}: ${node.failureSummary ?? ''}`),
    );
  }, TAGS);
