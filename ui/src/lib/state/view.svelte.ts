export const views = ["live", "connections"] as const;
export type View = (typeof views)[number];

/** Which view is in front. The others stay as they are. */
export class ViewState {
  #current = $state<View>("live");

  get current(): View {
    return this.#current;
  }

  show(view: View): void {
    this.#current = view;
  }
}
