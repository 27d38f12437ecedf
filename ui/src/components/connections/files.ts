import type { PickedFile } from "$lib/backend/backend";

/** More than any form of a connection has; a film that was dropped by mistake is not read. */
const MOST_BYTES = 8_000_000;

/** As the engine takes them. */
export async function readFiles(files: FileList | null | undefined): Promise<PickedFile[]> {
  const small = [...(files ?? [])].filter(({ size }) => size <= MOST_BYTES);
  return Promise.all(
    small.map(async (file) => ({
      name: file.name,
      base64: base64Of(new Uint8Array(await file.arrayBuffer())),
    })),
  );
}

const PIECE = 0x8000;

export function base64Of(bytes: Uint8Array): string {
  let letters = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    letters += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(letters);
}

export const base64OfText = (text: string) => base64Of(new TextEncoder().encode(text));
