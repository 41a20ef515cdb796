import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '@holdfast/protocol';
import { newTokenText, parseTokenText } from '@holdfast/api';

describe('the text of a token', () => {
  const text = newTokenText('abcd1234');

  it('has an ID, a secret of at least 256 bits, and characters that no URL escapes', () => {
    expect(text).toMatch(/^hf_abcd1234_[0-9a-z]{64}$/);
    const url = new URL(`http://user:${text}@host/`);
    expect([url.password, encodeURIComponent(text)]).toEqual([text, text]);
    expect(parseTokenText(text)?.id).toBe('abcd1234');
    // 56 characters of 5 bits each are random; the last 8 are the checksum.
    expect(newTokenText('abcd1234')).not.toBe(text);
  });

  it('is recognised as mistyped if any character differs, is missing or is added', () => {
    for (let at = 3; at < text.length; at++) {
      const other = text[at] === 'z' ? 'y' : 'z';
      expect(parseTokenText(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
      expect(parseTokenText(text.slice(0, at) + text.slice(at + 1))).toBeUndefined();
    }
    for (const odd of ['', 'hf_', `${text}0`, text.toUpperCase(), ` ${text}`, `${text}\n`, 'hf_abcd1234'])
      expect(parseTokenText(odd)).toBeUndefined();
  });

  it('is hidden in every text that is logged or shown', () => {
    expect(withoutSecrets(`it failed: ${text}, twice ${text}`)).toBe(
      'it failed: hf_abcd1234_***, twice hf_abcd1234_***',
    );
  });
});
