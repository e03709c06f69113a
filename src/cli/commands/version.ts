/** `sallyport version`. */
import { loadAddon } from '../../edge/addon.ts';
import { EXIT } from '../exit.ts';
import { chooseFormat, type Format } from '../output.ts';
import { packageVersion } from '../package.ts';

export function version(asked: Format | undefined): number {
  const { reason } = loadAddon();
  const report = {
    sallyport: packageVersion(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    platform: `${process.platform}-${process.arch}`,
    addon: reason === null,
    addonReason: reason,
  };
  if (chooseFormat(asked) === 'json') process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const addon = reason === null ? 'addon loaded' : `no addon (${reason})`;
    process.stdout.write(
      `sallyport ${report.sallyport}, node ${report.node}, OpenSSL ${report.openssl}, ${addon}\n`,
    );
  }
  return EXIT.ok;
}
