/** What the page and the timer worker say to each other. Ids are chosen by the page and never reused. */
export type ToTimer =
  | { readonly type: 'after'; readonly id: number; readonly delayMs: number }
  | { readonly type: 'every'; readonly id: number; readonly periodMs: number }
  | { readonly type: 'cancel'; readonly id: number };

export type FromTimer = { readonly type: 'ready' } | { readonly type: 'fired'; readonly id: number };
