import { Page } from "../../core/ui/Page";

export default function Index() {
  return <Page title="alerts">{null}</Page>;
}
