import { chromium } from 'playwright';
import { firstVisit, MAX_FIRST_LOAD_SCRIPT_BYTES, MAX_VISIT_BYTES } from '#tests/e2e/first-visit';
import { browserLaunch } from '#tests/find-browser';
import { atMost, type Bench } from './bench';

/** What a first visit costs before the person agreed to anything. */
export const firstLoad: Bench = {
  name: 'first-load',
  title: 'Bytes of a first visit, before any consent',
  async run({ origin }) {
    const browser = await chromium.launch(browserLaunch());
    try {
      const visit = await firstVisit(browser, origin, { serviceWorkers: 'block' });
      const installed = await firstVisit(browser, origin, {});
      return {
        figures: {
          scripts: visit.scripts,
          scriptGzipBytes: visit.scriptGzipBytes,
          visitBytes: visit.wireBytes,
          precacheBytes: installed.wireBytes - visit.wireBytes,
        },
        bars: [
          atMost('first-load JavaScript, gzip', visit.scriptGzipBytes, MAX_FIRST_LOAD_SCRIPT_BYTES, 'bytes'),
          atMost('everything transferred by a first visit', visit.wireBytes, MAX_VISIT_BYTES, 'bytes'),
        ],
      };
    } finally {
      await browser.close();
    }
  },
};
