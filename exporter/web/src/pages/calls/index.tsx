/** LLM calls: how they go, and one of them. */

import { Route, Switch } from "wouter";

import { Call } from "./Call";
import { Calls } from "./Calls";

export default function LLMCalls() {
  return (
    <Switch>
      <Route path="/calls" component={Calls} />
      <Route path="/calls/:span">{({ span }) => <Call key={span} span={span} />}</Route>
    </Switch>
  );
}
