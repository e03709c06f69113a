#!/usr/bin/env node
/** The `sallyport` command. */
import { main } from './program.ts';

process.exitCode = await main(process.argv.slice(2));
