import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../config.ts';
import { redaction } from './redaction.ts';

test('passwords and the token are taken out in each form in which they may be written', () => {
  const password = 'a"b\\c/d e@f';
  const { config, problems } = readConfig({
    DATABASE_URL: `postgres://user:${encodeURIComponent(password)}@db.example/shop`,
    DATABASE_OWNER_URL: 'postgres://owner@db.example/shop?password=in-a-parameter',
    REDIS_URL: 'redis://:sesame@cache.example',
    ADMIN_TOKEN: 'f'.repeat(32),
  });
  assert.deepEqual(problems, []);
  const redacted = redaction(config);
  for (const secret of [password, encodeURIComponent(password), 'in-a-parameter', 'sesame', 'f'.repeat(32)])
    assert.equal(redacted(`before ${secret} after ${secret}`), 'before [secret] after [secret]');
  assert.equal(redacted(JSON.stringify({ password })), '{"password":"[secret]"}');
  assert.equal(redacted(config.databaseUrl), 'postgres://user:[secret]@db.example/shop');
  assert.equal(redacted('nothing of it'), 'nothing of it');
});

test('where there is no secret, nothing is taken out', () => {
  const { config } = readConfig({
    DATABASE_URL: 'postgres://user@db.example/shop',
    REDIS_URL: 'redis://cache.example',
  });
  assert.equal(redaction(config)('user cache.example ""'), 'user cache.example ""');
});
