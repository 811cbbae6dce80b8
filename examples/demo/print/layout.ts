import Table from 'cli-table3'
import pc from 'picocolors'

/** As wide as the terminal, from 80 to 120 columns; 110 where there is none. */
export const WIDTH = Math.min(Math.max(process.stdout.columns || 110, 80), 120)

export function line(text = ''): void {
  console.log(text)
}

export function title(text: string): void {
  line()
  line(`${pc.bold(text)} ${pc.dim('─'.repeat(Math.max(0, WIDTH - text.length - 1)))}`)
}

const NONE = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
}

/** Columns without lines, two spaces apart, indented by two. `widths` leaves out what stands between. */
export function columns(widths: readonly number[], rows: readonly Table.HorizontalTableRow[]): string {
  const table = new Table({
    chars: NONE,
    colWidths: widths.map((width) => width + 2),
    style: { 'padding-left': 2, 'padding-right': 0, head: [], border: [] },
    wordWrap: true,
  })
  table.push(...rows.map((row) => [...row]))
  return trimmed(table.toString())
}

/** A framed table as wide as its content. */
export function framed(
  head: readonly string[],
  rows: readonly Table.HorizontalTableRow[],
  alignments: readonly Table.HorizontalAlignment[] = [],
): string {
  const table = new Table({
    head: head.map((text) => pc.dim(text)),
    colAligns: [...alignments],
    style: { head: [], border: pc.isColorSupported ? ['gray'] : [], compact: true },
  })
  table.push(...rows.map((row) => [...row]))
  return table.toString()
}

function trimmed(text: string): string {
  return text
    .split('\n')
    .map((row) => row.trimEnd())
    .join('\n')
}
