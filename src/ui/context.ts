import { getContext, setContext } from 'svelte';
import type { AppState } from './state/app.svelte';

const KEY = Symbol('tabmesh');

/** The one object that pages and components read: the node's data as rune state, and its commands. */
export const provideApp = (app: AppState): AppState => setContext(KEY, app);
export const useApp = (): AppState => getContext<AppState>(KEY);
