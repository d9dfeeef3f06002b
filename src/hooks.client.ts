/** The part of Trusted Types that is used here; TypeScript's DOM library has no types for it. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string | null }): unknown;
}

/**
 * Lets this origin's own scripts start as workers and as the service worker, and nothing else: markup or code made from
 * text stays refused by the browser. Runs before any page does.
 */
function allowOwnScriptsOnly(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy('default', {
    createScriptURL(text) {
      const url = new URL(text, location.href);
      return url.origin === location.origin && url.protocol !== 'blob:' ? url.href : null;
    },
  });
}

allowOwnScriptsOnly();
