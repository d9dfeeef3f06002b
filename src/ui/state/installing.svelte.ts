/** Chromium's install prompt; other browsers have none and get written steps. */
interface InstallPromptEvent extends Event {
  prompt(): Promise<unknown>;
}

export class Installing {
  #prompt = $state.raw<InstallPromptEvent | null>(null);
  installed = $state(false);
  readonly offered = $derived(this.#prompt !== null);

  /** Listens from now on; the returned function stops it. */
  listen(target: Window): () => void {
    this.installed = target.matchMedia('(display-mode: standalone)').matches;
    const onPrompt = (event: Event): void => {
      event.preventDefault();
      this.#prompt = event as InstallPromptEvent;
    };
    const onInstalled = (): void => {
      this.#prompt = null;
      this.installed = true;
    };
    target.addEventListener('beforeinstallprompt', onPrompt);
    target.addEventListener('appinstalled', onInstalled);
    return () => {
      target.removeEventListener('beforeinstallprompt', onPrompt);
      target.removeEventListener('appinstalled', onInstalled);
    };
  }

  async install(): Promise<void> {
    const prompt = this.#prompt;
    this.#prompt = null;
    await prompt?.prompt();
  }
}
