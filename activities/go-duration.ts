const NUMBER = '[0-9]+(?:\\.[0-9]+)?';

/** Milliseconds by unit. */
type Units = Readonly<Record<string, number>>;

/** A reader of durations as Go writes them (`1h30m`, `1.5h`), of these units: milliseconds, or null for what is none. */
export function goDurations(units: Units): (text: string) => number | null {
  const one = `${NUMBER}(?:${Object.keys(units).join('|')})`;
  const whole = new RegExp(`^(?:${one})+$`);
  const parts = new RegExp(one, 'g');
  return (text) => {
    if (!whole.test(text)) return null;
    const found = text.match(parts) ?? [];
    return found.reduce(
      (total, part) => total + Number.parseFloat(part) * (units[part.replace(/^[0-9.]+/, '')] ?? 0),
      0,
    );
  };
}
