import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertRecord } from '../../src/orchestrator/alert.ts';

test('an alert is one fatal record with the description of its name', () => {
  assert.deepEqual([...alertRecord('access_denied')], [0x15, 3, 3, 0, 2, 2, 49]);
});

test('an unknown alert name is sent as handshake_failure', () => {
  assert.deepEqual([...alertRecord('no_such_alert')], [0x15, 3, 3, 0, 2, 2, 40]);
});
