import type { PageApi } from './node/page-api';

declare global {
  const __TABMESH_VERSION__: string;
  interface Window {
    tabmesh?: PageApi;
  }
}

export {};
