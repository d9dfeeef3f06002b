import type { Settings } from '#node/tab-node';
import { keep, readKept } from './kept';

export type Theme = Settings['theme'];

/** The theme as it was last, before the node has read the settings: no flash of the wrong one. */
export function rememberedTheme(): Theme {
  const kept = readKept('theme');
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
  keep('theme', theme === 'system' ? null : theme);
  colourBrowserBar();
}

/** The browser's own bar takes the colour of the paper, from the tokens. */
export function colourBrowserBar(): void {
  let meta = document.querySelector<HTMLMetaElement>('meta[name="theme-color"]');
  if (meta === null) {
    meta = document.createElement('meta');
    meta.name = 'theme-color';
    document.head.append(meta);
  }
  meta.content = getComputedStyle(document.documentElement).getPropertyValue('background-color');
}
