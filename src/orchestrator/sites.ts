/** Finds the site a connection belongs to: exact name, then longest wildcard, then `none`, then `any`. */
import type { Site } from '../pdl/ir.ts';

const NO_SITE = -1;

interface ListenerSites {
  readonly exact: Map<string, number>;
  /** `.example.com` for `*.example.com`. */
  readonly wildcard: Map<string, number>;
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
      table = { exact: new Map(), wildcard: new Map(), none: NO_SITE, any: NO_SITE, all: [] };
      this.#listeners.set(listener, table);
    }
    table.all.push(index);
    if (site.sni === 'any') table.any = index;
    else if (site.sni === 'none') table.none = index;
    else {
      for (const name of site.sni) {
        if (name.startsWith('*.')) table.wildcard.set(name.slice(1), index);
        else table.exact.set(name, index);
      }
    }
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
    const exact = table.exact.get(sni);
    if (exact !== undefined) return exact;
    if (table.wildcard.size > 0) {
      for (let dot = sni.indexOf('.'); dot !== -1; dot = sni.indexOf('.', dot + 1)) {
        const wildcard = table.wildcard.get(sni.slice(dot));
        if (wildcard !== undefined) return wildcard;
      }
    }
    return table.any;
  }
}
