/** Conversations: who talked with whom, and one of them turn by turn. */

import { Route, Switch, useLocation } from "wouter";

import { Conversation } from "./Conversation";
import { Conversations } from "./Conversations";

export default function ConversationPages() {
  return (
    <Switch>
      <Route path="/conversations" component={Conversations} />
      <Route path="/conversations/:id">{() => <One />}</Route>
    </Switch>
  );
}

/** The id is taken from the address itself: the router has decoded a part of it, and an id may hold any character. */
function One() {
  useLocation();
  const told = location.pathname.split("/")[2] ?? "";
  const id = decoded(told);
  return <Conversation key={id} id={id} />;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
