/** The bytes of an answer; `tooMany` is thrown when there are more than `most`. */
export async function collect(body: AsyncIterable<Buffer>, most: number, tooMany: () => Error): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw tooMany();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
