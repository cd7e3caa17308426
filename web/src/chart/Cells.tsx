import { memo } from "react";
import type { Column } from "./columns";
import { FAINTEST, ink } from "./ink";
import type { Layout } from "./layout";

interface Props {
  columns: readonly Column[];
  layout: Layout;
}

/** One rectangle per chance that can be seen; a grey column where the call is not legal. */
export const Cells = memo(function Cells({ columns, layout }: Props) {
  const { band, row, top, bottom, x, y } = layout;
  const width = band > 5 ? band - 1 : band;
  return columns.map(({ key, p }, at) => (
    <g key={key} className="cells">
      {p.length === 0 && <rect className="blank" x={x(at)} y={top} width={width} height={bottom - top} />}
      {p.map((share, i) => {
        if (share < FAINTEST) return null;
        const position = i + 1;
        const box = { x: x(at), y: y(position) - row / 2, width, height: row - 1 };
        return <rect key={position} {...box} fillOpacity={ink(share)} />;
      })}
    </g>
  ));
});
