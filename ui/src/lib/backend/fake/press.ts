const LOOK_MS = 40;
const LOOKS = 150;

/**
 * Presses what a person would, one after the other, so that an address alone shows any state of the window:
 * `view-connections,paste-text=rtmp://h/live/key,import-save`. An item is a `data-testid`, with `=` and what is
 * typed or chosen; each is waited for. `~` in front of a number waits that many milliseconds.
 */
export async function press(items: string): Promise<void> {
  for (const item of items.split(",").filter((one) => one !== "")) {
    if (/^~\d+$/.test(item)) await pause(Number(item.slice(1)));
    else await one(item);
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function one(item: string): Promise<void> {
  const [testid = "", ...rest] = item.split("=");
  const found = await element(testid);
  if (!found) return;
  if (rest.length === 0) found.click();
  else enter(found, rest.join("="));
  await pause(LOOK_MS);
}

async function element(testid: string): Promise<HTMLElement | null> {
  for (let look = 0; look < LOOKS; look += 1) {
    const found = document.querySelector<HTMLElement>(`[data-testid="${testid}"]:not(:disabled)`);
    if (found && found.getAttribute("aria-disabled") !== "true") return found;
    await pause(LOOK_MS);
  }
  return null;
}

function enter(found: HTMLElement, text: string): void {
  const field =
    found instanceof HTMLInputElement ||
    found instanceof HTMLTextAreaElement ||
    found instanceof HTMLSelectElement;
  if (!field) return;
  found.focus();
  found.value = text;
  for (const name of ["input", "change"]) found.dispatchEvent(new Event(name, { bubbles: true }));
}
