/** Whether it is there now. Some web views refuse the asynchronous way, or lack it. */
export async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return bySelection(text);
  }
}

/** As a person would: selected in a field that nobody sees, which is gone right after. */
function bySelection(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "hidden-text selectable";
  field.value = text;
  // Under an open dialog everything outside it is out of reach.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
