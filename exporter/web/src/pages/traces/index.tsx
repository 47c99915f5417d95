/** Traces: a list of them, and each as a tree over time. */

import { useRoute } from "wouter";

import { List } from "./List";
import { Detail } from "./trace/Detail";

export default function Traces() {
  const [isOne, parameters] = useRoute("/traces/:trace");
  return isOne ? <Detail key={parameters.trace} trace={parameters.trace} /> : <List />;
}
