import { after } from './time';

/** How long the browser may take to begin a download before the memory behind it is given back. */
const RELEASE_MS = 30_000;

/** Hands a text to the person as a file. */
export const downloadText = (fileName: string, text: string, type = 'application/json'): void =>
  downloadBlob(fileName, new Blob([text], { type }));

/** Hands bytes to the person as a file. */
export const downloadBytes = (fileName: string, bytes: Uint8Array<ArrayBuffer>, type: string): void =>
  downloadBlob(fileName, new Blob([bytes], { type }));

/** Hands what a blob holds to the person as a file. */
export function downloadBlob(fileName: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  after(RELEASE_MS, () => URL.revokeObjectURL(url));
}
