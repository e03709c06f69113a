/** Takes the place of a test's context in scripts: what is to be undone at the end, the last first. */
import type { TestContext } from 'node:test';

export class Cleanup {
  readonly #steps: (() => void | Promise<void>)[] = [];

  /** As a helper of the tests takes it. */
  get context(): TestContext {
    const after = (step: () => void | Promise<void>): void => void this.#steps.push(step);
    return { after } as unknown as TestContext;
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}
