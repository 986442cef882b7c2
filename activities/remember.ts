/** Put something into a map that keeps the newest `most`: the oldest goes for it. */
export function remember<K, V>(map: Map<K, V>, [key, value]: readonly [K, V], most: number): void {
  map.delete(key); // the newest come last
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
