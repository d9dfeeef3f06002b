import { after } from './time';

/** How long the browser may take to begin a download before the memory behind it is given back. */
const RELEASE_MS = 30_000;

/** Hands a text to the person as a file. */
export function downloadText(fileName: string, text: string, type = 'application/json'): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  after(RELEASE_MS, () => URL.revokeObjectURL(url));
}
