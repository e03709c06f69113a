/** Every check of a whole, well-formed program. What it finds is what may be meant but rarely is. */
import { checkCertificates } from './certificates.ts';
import { checkCost } from './cost.ts';
import { checkExemptions, checkExpiry } from './exemptions.ts';
import { checkExtensions } from './extensions.ts';
import { checkFeeds } from './feeds.ts';
import { checkLimits } from './limits.ts';
import { checkPhases } from './phases.ts';
import { checkLadders, checkScores } from './scores.ts';
import { checkShadowing } from './shadowing.ts';
import type { Subject } from './subject.ts';
import { checkTiming } from './timing.ts';
import { checkUnknowns } from './unknowns.ts';

export function checkProgram(subject: Subject): void {
  checkLadders(subject);
  checkScores(subject);
  checkShadowing(subject);
  checkExemptions(subject);
  checkExpiry(subject);
  checkUnknowns(subject);
  checkPhases(subject);
  checkFeeds(subject);
  checkLimits(subject);
  checkTiming(subject);
  checkExtensions(subject);
  checkCertificates(subject);
  checkCost(subject);
}
