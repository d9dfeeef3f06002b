import { exposeToPage } from '../shared/expose';
import { createWebLlmWorker, type WebLlmWorkerOptions } from './web-llm-worker';

exposeToPage(
  createWebLlmWorker({
    loadModule: () => import('@mlc-ai/web-llm'),
    scope: self as unknown as WebLlmWorkerOptions['scope'],
    breakDown: (error) => reportError(error),
    nowMs: () => performance.now(),
  }),
);
