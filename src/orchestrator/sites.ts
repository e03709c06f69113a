/** Finds the site a connection belongs to: exact name, then longest wildcard, then `none`, then `any`. */
import type { Site } from '../pdl/ir.ts';
import { NameMap } from './names.ts';

const NO_SITE = -1;

interface ListenerSites {
  readonly names: NameMap<number>;
  none: number;
  any: number;
  readonly all: number[];
}

export class SiteTable {
  readonly #listeners = new Map<string, ListenerSites>();

  constructor(sites: readonly Site[]) {
    sites.forEach((site, index) => {
      for (const listener of site.listeners) this.#add(listener, site, index);
    });
  }

  #add(listener: string, site: Site, index: number): void {
    let table = this.#listeners.get(listener);
    if (!table) {
      table = { names: new NameMap(), none: NO_SITE, any: NO_SITE, all: [] };
      this.#listeners.set(listener, table);
    }
    table.all.push(index);
    if (site.sni === 'any') table.any = index;
    else if (site.sni === 'none') table.none = index;
    else for (const name of site.sni) table.names.set(name, index);
  }

  /** Every site of a listener, for what is decided before the name is known. */
  onListener(listener: string): readonly number[] {
    return this.#listeners.get(listener)?.all ?? [];
  }

  /** Index of the site for a canonical server name (null: none was sent), or -1 when no site claims it. */
  find(listener: string, sni: string | null): number {
    const table = this.#listeners.get(listener);
    if (!table) return NO_SITE;
    if (sni === null) return table.none !== NO_SITE ? table.none : table.any;
    return table.names.find(sni) ?? table.any;
  }
}
