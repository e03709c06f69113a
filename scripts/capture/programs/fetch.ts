// Gets a URL in Bun or Deno, which are told to trust anyone.
const url = process.argv.at(-1)!;
const options = { tls: { rejectUnauthorized: false } };
await (await fetch(url, options as RequestInit)).text();
