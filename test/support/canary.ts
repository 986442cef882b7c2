/** Secrets that are planted where secrets live, and looked for everywhere else. */

/** Whether a text shows a secret, plain or in base64. */
export function holds(text: string, secret: string): boolean {
  return formsOf(secret).some((form) => text.includes(form));
}

/** Plain and in base64, at each of the three places in a group of four where it may begin. */
function formsOf(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((before) =>
    Buffer.from('x'.repeat(before) + secret)
      .toString('base64')
      .slice(before === 0 ? 0 : 4, -4)
      .replace(/=+$/, ''),
  );
  return [secret, ...encoded];
}
