import { Link } from "wouter";

import { Empty } from "./Empty";

/** A path that is none of ours. */
export function Nowhere() {
  return (
    <Empty title="There is no such page">
      <Link href="/">To the overview</Link>
    </Empty>
  );
}
