import { stripVTControlCharacters } from 'node:util';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** Rows under titles, columns two spaces apart; a title alone is a column to the left. Cells may be styled; they must be free of line feeds. */
export function table(titles: (Column | string)[], rows: string[][]): string {
  const columns: Column[] = titles.map((title) => (typeof title === 'string' ? { title } : title));
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...rows.map((row) => width(row[index] ?? ''))),
  );
  const line = (cells: string[]) =>
    columns
      .map((column, index) => pad(cells[index] ?? '', widths[index] ?? 0, column.align ?? 'left'))
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...rows.map(line)].join('\n');
}

function pad(cell: string, to: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, to - width(cell)));
  return align === 'right' ? space + cell : cell + space;
}

function width(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}
