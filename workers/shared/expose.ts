import { expose } from 'comlink';

/** Offers `api` to the page that started this worker. */
export const exposeToPage = (api: object): void => expose(api);
