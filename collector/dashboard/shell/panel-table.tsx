import type { ComponentChildren, JSX } from 'preact';

interface PanelTableProps {
  readonly title: string;
  readonly columns: readonly string[];
  /** Why there is no row. */
  readonly none: string | null;
  readonly children: ComponentChildren;
}

/** A small table in a panel of its own; its first column takes the room that the others leave. */
export function PanelTable({ title, columns, none, children }: PanelTableProps): JSX.Element {
  return (
    <section class="panel device" aria-label={title}>
      <h2>{title}</h2>
      {none === null ? (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      ) : (
        <p class="none">{none}</p>
      )}
    </section>
  );
}
