/** Agents and workflows: what runs, how it went, and each run step by step. */

import { useLocation } from "wouter";

import { RunDetail } from "./RunDetail";
import { RunsPage } from "./RunsPage";

const HERE = "/runs/";

export default function Index() {
  useLocation(); // it is asked again on every step; the id is read from the address itself, which is not decoded yet
  const path = location.pathname;
  const id = path.startsWith(HERE) ? decoded(path.slice(HERE.length)) : "";
  return id === "" ? <RunsPage /> : <RunDetail key={id} id={id} />;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
